import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inOwnNetwork, sleep } from "./daemon.ts";

const dockerdCommand = "/usr/sbin/dockerd";

/**
 * The machine's dockerd with state of its own, in a network namespace of its own: its bridge and its firewall rules go with
 * that. Without its relay of published ports, as pouchd has none by default.
 */
export class Dockerd {
  readonly directory: string;
  readonly socket: string;
  readonly #process: ChildProcess;

  static async start(flags: string[] = []): Promise<Dockerd> {
    const dockerd = new Dockerd(flags);
    try {
      await dockerd.#untilItAnswers();
    } catch (error) {
      await dockerd[Symbol.asyncDispose]();
      throw error;
    }
    return dockerd;
  }

  private constructor(flags: string[]) {
    this.directory = mkdtempSync(join(tmpdir(), "pouch-dockerd-"));
    this.socket = join(this.directory, "docker.sock");
    const own = [
      ["--data-root", this.homeDirectory],
      ["--exec-root", join(this.directory, "exec")],
      ["--pidfile", join(this.directory, "pid")],
    ].flat();
    const log = openSync(join(this.directory, "log"), "w");
    const all = ["-H", `unix://${this.socket}`, "--userland-proxy=false", ...own, ...flags];
    this.#process = spawn(...inOwnNetwork(dockerdCommand, all), { stdio: ["ignore", log, log] });
    closeSync(log);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get homeDirectory(): string {
    return join(this.directory, "home");
  }

  async #untilItAnswers(): Promise<void> {
    const failed = new Promise<string>((resolve) => {
      this.#process.once("error", (error) => resolve(error.message));
      this.#process.once("exit", () => resolve("it exited"));
    });
    for (let i = 0; i < 600; i++) {
      if (await answers(this.socket)) return;
      const reason = await Promise.race([failed, sleep(50).then(() => undefined)]);
      if (reason !== undefined) throw new Error(`dockerd does not start: ${reason}\n${this.#logTail}`);
    }
    throw new Error(`dockerd does not answer\n${this.#logTail}`);
  }

  get #logTail(): string {
    return readFileSync(join(this.directory, "log"), "utf8").slice(-4000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const hangs = setTimeout(() => child.kill("SIGKILL"), 60_000);
      await exited;
      clearTimeout(hangs);
    }
    // It leaves the place where containers on the host's network find that.
    const left = readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "");
    for (const place of left) if (place.startsWith(`${this.directory}/`)) spawnSync("umount", ["-l", place], { stdio: "ignore" });
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ socketPath, path: "/_ping" }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode === 200));
      response.once("error", () => resolve(false));
    });
    request.once("error", () => resolve(false));
  });
}
