import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Daemon, dockerCommand, run, type DaemonOptions } from "./daemon.ts";
import { Dockerd } from "./dockerd.ts";

/** This engine beside the machine's dockerd, and a folder for what is handed to both. */
export class BothEngines {
  readonly daemon: Daemon;
  readonly dockerd: Dockerd;
  readonly folder = mkdtempSync(join(tmpdir(), "pouch-both-"));

  static async start(options: DaemonOptions = {}): Promise<BothEngines> {
    const [daemon, dockerd] = await Promise.allSettled([Daemon.start(options), Dockerd.start()]);
    if (daemon.status === "fulfilled" && dockerd.status === "fulfilled") return new BothEngines(daemon.value, dockerd.value);
    for (const one of [daemon, dockerd]) if (one.status === "fulfilled") await one.value[Symbol.asyncDispose]();
    throw new AggregateError([daemon, dockerd].flatMap((one) => (one.status === "rejected" ? [one.reason] : [])));
  }

  private constructor(daemon: Daemon, dockerd: Dockerd) {
    this.daemon = daemon;
    this.dockerd = dockerd;
  }

  /** What each makes of it, at the same time. */
  async each<T>(work: (socket: string) => Promise<T>): Promise<{ ours: T; theirs: T }> {
    const [ours, theirs] = await Promise.all([work(this.daemon.socket), work(this.dockerd.socket)]);
    return { ours, theirs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.daemon[Symbol.asyncDispose]();
    } finally {
      await this.dockerd[Symbol.asyncDispose]();
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

/** The output of the docker CLI against an engine; it has to end well. */
export async function docker(socket: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(dockerCommand, ["-H", `unix://${socket}`, ...args]);
  assert.equal(code, 0, `docker ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}
