import { failedPrecondition } from "@pouchcontainer/errors";
import { makeFoldersSync } from "@pouchcontainer/owners";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { CriFormatter } from "./cri-format.ts";
import { criLogFiles } from "./cri-log-files.ts";
import { FileLog, type FileLogDeps } from "./file-log.ts";
import { LogCheckpoint } from "./log-checkpoint.ts";
import { RotatingFile } from "./rotating-file.ts";

export interface CriLogOptions {
  /**
   * Where it is remembered how far the log has come. Not beside the log: whoever rotates it takes every file whose name begins with
   * the log's for an old one.
   */
  checkpointPath: string;
}

/** The writing end of one run's log in CRI's format. Others put its file aside and then have it reopened; its size is theirs to limit. */
export class CriLog extends FileLog {
  constructor(path: string, { checkpointPath }: CriLogOptions, deps: FileLogDeps) {
    makeFoldersSync(dirname(path), 0o755);
    const unlimited = { maxSizeBytes: -1, maxFiles: 1, compress: false };
    const parts = {
      file: new RotatingFile(path, unlimited, { open: openRegular, aside: (file) => criLogFiles(file).slice(0, -1) }),
      checkpoint: new LogCheckpoint(checkpointPath, deps.boot ?? ""),
      formatters: { stdout: new CriFormatter("stdout"), stderr: new CriFormatter("stderr") },
    };
    super(parts, deps);
  }
}

/** The folder of pods' logs is one that containers are given: neither a link nor a pipe that one has put there is followed. */
function openRegular(path: string): number {
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const refused = (cause?: unknown) => failedPrecondition(`the log ${path} is no regular file`, { cause });
  let fd;
  try {
    fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o640);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException; // openSync throws system errors only
    throw ["ELOOP", "EISDIR", "ENXIO"].includes(code) ? refused(error) : error;
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw refused();
}
