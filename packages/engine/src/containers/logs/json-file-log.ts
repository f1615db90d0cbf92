import { FileLog, type FileLogDeps } from "./file-log.ts";
import { JsonFormatter } from "./json-format.ts";
import { LogCheckpoint } from "./log-checkpoint.ts";
import { RotatingFile, type RotationOptions } from "./rotating-file.ts";

export interface JsonFileLogOptions extends RotationOptions {
  /** Labels and env variables the container's log options ask for, in each entry. */
  attrs?: Record<string, string>;
}

/** The writing end of one run's json-file log. */
export class JsonFileLog extends FileLog {
  constructor(path: string, options: JsonFileLogOptions, deps: FileLogDeps) {
    const parts = {
      file: new RotatingFile(path, options),
      checkpoint: new LogCheckpoint(`${path}.unfinished`, deps.boot ?? ""),
      formatters: {
        stdout: new JsonFormatter("stdout", options.attrs),
        stderr: new JsonFormatter("stderr", options.attrs),
      },
    };
    super(parts, deps);
  }
}
