import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { errorCodeOf } from "./error-code.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/** Pid, start time and boot on one line, so that tools that read a pid file get the pid first. */
export class PidFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  read(): ProcessIdentity | undefined {
    try {
      const [pid, startTime, bootId] = readFileSync(this.path, "utf8").trim().split(" ");
      if (pid === undefined || !/^\d+$/.test(pid) || startTime === undefined || bootId === undefined) return undefined;
      return { pid: Number(pid), startTime, bootId };
    } catch (error) {
      if (errorCodeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  write({ pid, startTime, bootId }: ProcessIdentity): void {
    writeFileSync(`${this.path}.new`, `${pid} ${startTime} ${bootId}\n`);
    renameSync(`${this.path}.new`, this.path);
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }
}
