import { join } from "node:path";
import type { Container } from "./container.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ContainerRoom } from "./container-room.ts";
import { CriLog } from "./logs/cri-log.ts";
import type { FileLogDeps } from "./logs/file-log.ts";
import { JsonFileLog } from "./logs/json-file-log.ts";
import type { LogDriver } from "./logs/log-driver.ts";
import { criFormat, jsonFileFormat, type LogFileFormat } from "./logs/log-file-format.ts";
import { parseLogConfig } from "./logs/log-options.ts";

/** The writing end of a container's log; undefined when it is to have none. */
export function openLog({ deps }: ContainerRoom, container: Container): LogDriver | undefined {
  const { record } = container;
  const { config, hostConfig } = record;
  const logDeps: FileLogDeps = {
    clock: deps.clock,
    boot: deps.boot,
    onLost: (error) =>
      deps.log.error("the log of a container cannot be written: output is lost until it can", {
        container: record.id,
        error: String(error),
      }),
  };
  if (record.pod) {
    if (record.logPath === "") return undefined;
    return new CriLog(record.logPath, { checkpointPath: join(container.directory, "log.unfinished") }, logDeps);
  }
  const options = parseLogConfig(hostConfig.LogConfig?.Type ?? "", hostConfig.LogConfig?.Config ?? {}, {
    labels: config.Labels ?? {},
    env: config.Env ?? [],
  });
  if (options.driver === "none") return undefined;
  return new JsonFileLog(record.logPath, { ...options.rotation, attrs: options.attrs }, logDeps);
}

/** How what it has written is read. */
export function logFormat({ pod }: Pick<ContainerRecord, "pod">): LogFileFormat {
  return pod ? criFormat : jsonFileFormat;
}
