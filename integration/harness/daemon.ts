import { openConnection } from "@pouchcontainer/owners";
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeImageArchive } from "../../hack/busybox-image.ts";
import { DaemonHealth } from "./daemon-health.ts";
import { criClients } from "../../packages/cri/src/testing/cri-clients.ts";
import { freeSubnet } from "./free-subnet.ts";
import { hostLinks } from "./host-links.ts";
import { makePodNetwork, type PodNetwork } from "./pod-network.ts";

export const projectRoot = resolve(import.meta.dirname, "../..");

/** The docker CLI the tests use: Debian's, or another version's by `POUCH_TEST_DOCKER=/path`. */
export const dockerCommand = process.env["POUCH_TEST_DOCKER"] ?? "/usr/bin/docker";

/** The daemon under test: what `hack/build` made, or another build by `POUCH_TEST_POUCHD=/path`. */
const daemonCommand = process.env["POUCH_TEST_POUCHD"] ?? join(projectRoot, "bin/pouchd");

export interface DaemonOptions {
  /** More flags, after the harness's own. */
  flags?: string[];
  /** Environment on top of the test's own. */
  env?: Record<string, string>;
  /** Executable to run; default: `bin/pouchd`, or what `POUCH_TEST_POUCHD` names. */
  executable?: string;
  /** Load the busybox image; default: yes. */
  image?: boolean;
  /** Serve CRI on `criSocket`, with a network for pods of its own; default: no. */
  cri?: boolean;
  /** Lead a process group of its own, as what a terminal or a service manager starts; default: no. */
  ownGroup?: boolean;
  /** Run in a network namespace of its own, so that bridge and subnets may be those of any other; default: no. */
  ownNetwork?: boolean;
}

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ApiResponse {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
  /** The body parsed as JSON. */
  json<T>(): T;
}

/** What does not end for this long after it was asked to does not end by itself. */
const endMs = 60_000;

/** A request, or a start, that gets nothing for this long hangs: the test says which, instead of running into its own end. */
const silenceMs = 120_000;

let sequence = 0;

/** A pouchd of its own: everything it makes is under one temporary folder and under names no other daemon uses. */
export class Daemon {
  readonly directory: string;
  readonly socket: string;
  readonly cgroupParent: string;
  readonly #options: DaemonOptions;
  readonly #health: DaemonHealth;
  readonly #bridgeAddress = `${freeSubnet().prefix}1/24`;
  #process: ChildProcess | undefined;
  #execRoot = "run";
  /** Processes that the test ended. */
  readonly #ended = new Set<ChildProcess>();

  static async start(options: DaemonOptions = {}): Promise<Daemon> {
    const daemon = new Daemon(options);
    try {
      await daemon.launch();
      if (options.image ?? true) await daemon.loadBusybox();
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
    return daemon;
  }

  private constructor(options: DaemonOptions) {
    this.#options = options;
    this.directory = mkdtempSync(join(tmpdir(), "pouch-it-"));
    this.socket = join(this.directory, "pouchd.sock");
    this.cgroupParent = `pouch-it-${process.pid}-${sequence++}`;
    this.#health = new DaemonHealth(this.#logFile);
  }

  get pid(): number {
    const pid = this.#process?.pid;
    assert.ok(pid, "the daemon does not run");
    return pid;
  }

  get log(): string {
    return readFileSync(this.#logFile, "utf8");
  }

  get #logFile(): string {
    return join(this.directory, "pouchd.log");
  }

  /** Lines of level error in the daemon's log that match are right until the end of this test; any other fails the test. */
  expectsErrors(pattern: RegExp): void {
    this.#health.expectsErrors(pattern);
  }

  /** Errors that nobody caught, as the daemon counts them. */
  async uncaughtErrors(): Promise<number> {
    const { text } = await this.api("GET", "/metrics");
    const counts = [...text.matchAll(/^pouch_uncaught_errors_total\{.*\} (\d+)$/gm)].map(([, count]) => Number(count));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  get homeDirectory(): string {
    return join(this.directory, "home");
  }

  get criSocket(): string {
    return join(this.directory, "cri.sock");
  }

  /** Pods' network, of a daemon that serves CRI. */
  get podNetwork(): PodNetwork {
    return (this.#podNetwork ??= makePodNetwork(this.directory, `c${process.pid % 100000}x${sequence++}`.slice(0, 15)));
  }

  #podNetwork: PodNetwork | undefined;

  get nftTable(): string {
    return this.#names.get("table") ?? "";
  }

  get bridge(): string {
    return this.#names.get("bridge") ?? "";
  }

  get execRoot(): string {
    return join(this.directory, this.#execRoot);
  }

  /** Another exec root from the next launch on. */
  moveExecRoot(name: string): void {
    this.#execRoot = name;
  }

  /** Starts the daemon again on the same state; resolves when it answers. */
  async launch(): Promise<void> {
    mkdirSync(join(this.directory, "plugins.d"), { recursive: true });
    const log = openSync(this.#logFile, "a");
    const tag = `it${process.pid % 100000}${sequence++}`;
    const flags = [
      ["--home-dir", this.homeDirectory],
      ["--exec-root-dir", this.execRoot],
      ["--listen", `unix://${this.socket}`],
      ["--pidfile", join(this.directory, "pid")],
      ["--config-file", this.#configFile()],
      ["--cgroup-parent", this.cgroupParent],
      ["--certs-dir", join(this.directory, "certs.d")],
      ["--plugin-config-dir", join(this.directory, "plugins.d")],
      ["--bridge-name", this.#nameOnce("bridge", `p${tag}`.slice(0, 15))],
      ["--nft-table", this.#nameOnce("table", `pouch_${tag}`)],
      this.#options.ownNetwork ? [] : ["--bip", this.#bridgeAddress],
      ["--debug"],
      ...(this.#options.cri
        ? [["--enable-cri", "--listen-cri", `unix://${this.criSocket}`, "--cni-conf-dir", this.podNetwork.folder]]
        : []),
    ].flat();
    const executable = this.#options.executable ?? daemonCommand;
    const args = [...flags, ...(this.#options.flags ?? [])];
    const [program, words] = this.#options.ownNetwork ? inOwnNetwork(executable, args) : [executable, args];
    const child = spawn(program, words, {
      stdio: ["ignore", log, log],
      detached: this.#options.ownGroup ?? false,
      // The compile cache is for tests; no user's daemon has one.
      env: { ...process.env, NODE_COMPILE_CACHE: undefined, ...this.#options.env },
    });
    this.#process = child;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const deadline = Date.now() + silenceMs;
    for (;;) {
      if (await this.#answers()) break;
      const gone = await Promise.race([exited.then(() => true), sleep(25).then(() => false)]);
      if (gone || Date.now() > deadline)
        throw new Error(`pouchd ${gone ? "exited" : "does not answer"}; its log ends:\n${this.log.slice(-4000)}`);
    }
    child.once("exit", (code, signal) => {
      if (!this.#ended.has(child)) this.#health.died(signal ?? `exit status ${code}`);
    });
  }

  /** Ends the daemon with SIGTERM and waits for it. */
  async stop(): Promise<number | null> {
    return await this.#end("SIGTERM");
  }

  /** `kill -9`: containerd and the containers stay. */
  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends the daemon with a signal that `send` sends, and waits for it. */
  async endedBy(send: (pid: number) => void): Promise<number | null> {
    return await this.#end(send);
  }

  async #end(how: NodeJS.Signals | ((pid: number) => void)): Promise<number | null> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    this.#ended.add(child);
    if (typeof how === "string") child.kill(how);
    else how(this.pid);
    const hangs = await Promise.race([exited.then(() => false), sleep(endMs, false).then(() => true)]);
    if (!hangs) return await exited;
    child.kill("SIGKILL");
    await exited;
    throw new Error(`pouchd did not end within ${endMs / 1000} s and was killed; its log ends:\n${this.log.slice(-4000)}`);
  }

  /** The real docker CLI against this daemon. */
  docker(...args: string[]): Promise<CommandResult> {
    return run(dockerCommand, ["-H", `unix://${this.socket}`, ...args], {
      DOCKER_CONFIG: join(this.directory, "docker-config"),
    });
  }

  /** Our own CLI against this daemon. */
  pouch(...args: string[]): Promise<CommandResult> {
    return run(join(projectRoot, "bin/pouch"), ["-H", `unix://${this.socket}`, ...args], {});
  }

  /** One request to the API; a body that is not a string or Buffer is sent as JSON. */
  api(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiResponse> {
    return new Promise((resolve, reject) => {
      const raw = typeof body === "string" || Buffer.isBuffer(body);
      const payload = body === undefined || raw ? body : JSON.stringify(body);
      const type = body !== undefined && !raw ? { "Content-Type": "application/json" } : {};
      const request = http.request({ socketPath: this.socket, method, path, headers: { ...type, ...headers } }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: <T>() => JSON.parse(text) as T });
        });
      });
      request.on("error", reject);
      request.setTimeout(silenceMs, () => request.destroy(new Error(`${method} ${path}: nothing for ${silenceMs / 1000} s`)));
      request.end(payload);
    });
  }

  async loadBusybox(): Promise<void> {
    const archive = join(this.directory, "busybox.tar");
    if (!existsSync(archive)) makeImageArchive(archive, { name: "busybox:latest" });
    await this.load(archive);
  }

  async load(archive: string): Promise<void> {
    const answer = await this.api("POST", "/images/load?quiet=1", readFileSync(archive), { "Content-Type": "application/x-tar" });
    assert.equal(answer.status, 200, answer.text);
    assert.doesNotMatch(answer.text, /errorDetail/);
  }

  /** Removes the containers, ends the daemon and its containerd, and shows what is left on the machine if anything is. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    const attempt = async (step: () => void | Promise<void>): Promise<void> => {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    };
    await attempt(async () => {
      // A daemon that was killed comes back once more: what it left is its own to clean.
      if (this.#process?.signalCode === "SIGKILL") await this.launch();
      if (await this.#answers()) await this.#removeAll();
    });
    await attempt(async () => void (await this.stop()));
    await attempt(() => this.#endContainerd());
    await attempt(() => {
      const left = this.leftovers();
      const health = this.#health.finish();
      if (health !== undefined) failures.push(health);
      if (left.length > 0)
        failures.push(new Error(`left on the machine:\n${left.join("\n")}\nthe daemon's log ended:\n${this.#logTail}`));
    });
    await attempt(() => rmSync(this.directory, { recursive: true, force: true }));
    await attempt(() => removeEmptyCgroups(this.cgroupParent));
    await attempt(() => {
      // The plugin never takes its bridge away.
      const podBridge = this.#podNetwork?.bridge ?? "";
      if (hostLinks().includes(podBridge)) spawnSync("ip", ["link", "delete", podBridge]);
    });
    if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join("\n"));
    if (failures.length === 1) throw failures[0];
  }

  #logTail = "";

  async #removeAll(): Promise<void> {
    if (this.#options.cri) await this.#removePods();
    const containers = (await this.api("GET", "/containers/json?all=1")).json<{ Id: string }[]>();
    await Promise.all(containers.map(({ Id }) => this.api("DELETE", `/containers/${Id}?force=1&v=1`)));
    const networks = await this.api("GET", "/networks?filters=%7B%22type%22%3A%5B%22custom%22%5D%7D");
    if (networks.status !== 200) return;
    for (const { Id } of networks.json<{ Id: string }[]>()) await this.api("DELETE", `/networks/${Id}`);
  }

  async #removePods(): Promise<void> {
    using clients = criClients(this.criSocket);
    const { items } = await clients.runtime().listPodSandbox({});
    await Promise.all(items.map(({ id }) => clients.runtime().removePodSandbox({ podSandboxId: id })));
  }

  /** Mounts, processes and devices that name this daemon's folder or devices. */
  leftovers(): string[] {
    this.#logTail = this.log.slice(-2000);
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const tables = spawnSync("nft", ["list", "tables"], { encoding: "utf8" }).stdout.split("\n");
    const { bridge, nftTable: table } = this;
    return [
      ...(hostLinks().includes(bridge) ? [`bridge ${bridge}`] : []),
      ...tables.filter((line) => line.endsWith(` ${table}`)),
      ...claimsOf(this.homeDirectory),
      ...(this.#podNetwork?.held().map((address) => `address ${address}`) ?? []),
      ...mounts.filter((line) => line.includes(this.directory)).map((line) => `mount ${line}`),
      ...processes.filter((pid) => commandLine(pid).includes(this.directory)).map((pid) => `process ${pid} ${commandLine(pid)}`),
    ];
  }

  /** After `kill -9` of the daemon its containerd lives on, by design; the harness ends it by its pid. */
  #endContainerd(): void {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const command = commandLine(pid);
      if (!command.includes(this.directory) || !/(^|\/)containerd /.test(command)) continue;
      try {
        process.kill(Number(pid), "SIGTERM");
      } catch {
        continue;
      }
      for (let i = 0; i < 200 && commandLine(pid) !== ""; i++) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
    }
  }

  async #answers(): Promise<boolean> {
    try {
      if ((await this.api("GET", "/_ping")).status !== 200) return false;
      // It is served after the API.
      if (this.#options.cri) (await openConnection({ path: this.criSocket }, { timeoutMs: 5000 })).destroy();
      return true;
    } catch {
      return false;
    }
  }

  #configFile(): string {
    const file = join(this.directory, "config.json");
    if (!existsSync(file)) writeFileSync(file, "{}\n");
    return file;
  }

  readonly #names = new Map<string, string>();

  /** The same device names after every restart of this daemon. */
  #nameOnce(what: string, name: string): string {
    const known = this.#names.get(what);
    if (known !== undefined) return known;
    this.#names.set(what, name);
    return name;
  }
}

/** Runs a program to its end; never throws for its exit code. */
export function run(file: string, args: string[], env: Record<string, string> = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(file, args, { env: { ...process.env, ...env }, maxBuffer: 1 << 28, timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 255;
      resolve({ code, stdout, stderr: error !== null && stderr === "" && code === 255 ? error.message : stderr });
    });
  });
}

/** What to spawn so that a program runs in a network namespace of its own, its loopback up, under the pid that is spawned. */
export function inOwnNetwork(program: string, args: string[]): [string, string[]] {
  return ["unshare", ["--net", "--", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', program, ...args]];
}

/** `keeps`: whether the process lives on for it; default: yes. */
export function sleep(milliseconds: number, keeps = true): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    if (!keeps) timer.unref();
  });
}

/** Waits until the check gives a value that is not undefined or false; fails with `what` after the deadline. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 15,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(30);
  }
}

/** What it was started with, each word followed by a blank; empty when it has ended. */
export function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** What a daemon with that home has claimed of the names on this machine. */
function claimsOf(home: string): string[] {
  const folder = "/run/pouch-claims";
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return files.filter((file) => readOr(file).includes(` ${home}\n`)).map((file) => `claim ${file}`);
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // Another daemon's, which has ended since.
  }
}

/** The parent group of a daemon's containers is the operator's to keep; a test's is not. */
function removeEmptyCgroups(parent: string): void {
  spawnSync("find", ["/sys/fs/cgroup", "-depth", "-type", "d", "-path", `*/${parent}*`, "-exec", "rmdir", "{}", ";"], {
    stdio: "ignore",
  });
}
