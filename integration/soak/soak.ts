/**
 * Random operations by four clients while processes are killed. After each round everything comes to rest, and what the daemon says
 * must agree with containerd, the kernel and the disk. The seed fixes what each client asks for and who is killed when.
 */
import { connectContainerd, type ContainerdClient } from "@pouchcontainer/containerd";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Daemon, projectRoot, type ApiResponse } from "../harness/daemon.ts";
import { SeededRandom } from "../harness/seeded-random.ts";
import { disagreements } from "./agreement.ts";
import { killOne } from "./killer.ts";
import { descriptorsWithHelpers } from "./machine-state.ts";
import { execBody, namesOf, operations, type Names, type Request } from "./operations.ts";

export interface SoakOptions {
  seed: number;
  minutes: number;
  /** Without kills no failure is forgiven. */
  kills: boolean;
  /** Told what happens, a line each. */
  say: (line: string) => void;
}

export interface SoakReport {
  rounds: number;
  /** How often each operation was done. */
  operations: Record<string, number>;
  /** How often each status was answered; `none` where the connection ended. */
  answers: Record<string, number>;
  kills: Record<string, number>;
  longestStallMs: number;
  /** What went wrong, in words; empty for a clean soak. */
  faults: string[];
}

const clients = 4;
const roundMs = 20_000;
/** How long the daemon may take to come to rest after a round: its sweeps are periodic. */
const restSeconds = 90;
/** A failure this soon after a kill may be its consequence. */
const aftermathMs = 20_000;
/** Descriptors that come and go with connections and timers. */
const descriptorSlack = 12;

/** What dockerd answers with 500 though the client was wrong. */
const askedWrongly = /executable file not found|no such file or directory: unknown|is not paused|not running/;

/** What no kill explains: every archive the clients send is whole. */
const neverRight = /invalid tar header/;

/** What a daemon rightly logs as errors when a plugin, a shim or runc is killed under it. */
const toldOfKills = [
  /containerd ended while starting \(SIGKILL\)/,
  /its process ended by SIGKILL; starting it again/,
  /cannot start its process again .*its process ended by SIGKILL at its start/,
  /a container could not be restarted/,
];

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seed, minutes, kills, say } = options;
  const random = new SeededRandom(seed);
  const report: SoakReport = { rounds: 0, operations: {}, answers: {}, kills: {}, longestStallMs: 0, faults: [] };
  await using daemon = await Daemon.start();
  const installed = await daemon.pouch(
    "plugin",
    "install",
    "--grant-all-permissions",
    join(projectRoot, "hookplugins/legacy-env"),
  );
  if (installed.code !== 0) throw new Error(`the plugin could not be installed: ${installed.stderr}`);
  for (const pattern of toldOfKills) daemon.expectsErrors(pattern);
  const run = new Soak(daemon, report, say);
  const before = await run.descriptorsAtRest();

  const end = Date.now() + minutes * 60_000;
  while (Date.now() < end && report.faults.length === 0) {
    await run.round(random.fork(report.rounds), Math.min(roundMs, end - Date.now()), kills);
    report.rounds++;
  }
  if (report.faults.length === 0) {
    await run.removeEverything();
    const after = await run.descriptorsAtRest(before.length + descriptorSlack);
    if (after.length > before.length + descriptorSlack)
      report.faults.push(
        `descriptors of the daemon and its helpers: ${before.length} before, ${after.length} after:\n${after.toSorted().join("\n")}`,
      );
  }
  await run.close();
  return report;
}

class Soak {
  readonly #daemon: Daemon;
  readonly #report: SoakReport;
  readonly #say: (line: string) => void;
  readonly #containerd: ContainerdClient;
  #lastKill = -Infinity;
  #daemonIsDown = false;

  constructor(daemon: Daemon, report: SoakReport, say: (line: string) => void) {
    this.#daemon = daemon;
    this.#report = report;
    this.#say = say;
    this.#containerd = connectContainerd({ address: join(daemon.execRoot, "containerd.sock"), namespace: "pouch" });
  }

  async close(): Promise<void> {
    await this.#containerd.close();
  }

  async round(random: SeededRandom, milliseconds: number, kills: boolean): Promise<void> {
    const until = Date.now() + milliseconds;
    await Promise.all([
      ...Array.from({ length: clients }, (_, index) => this.#client(random.fork(index), namesOf(index), until)),
      ...(kills ? [this.#kills(random.fork(clients), until)] : []),
    ]);
    await this.#comeToRest(`round ${this.#report.rounds}`);
  }

  async removeEverything(): Promise<void> {
    const all = async <T>(path: string): Promise<T> => (await this.#daemon.api("GET", path)).json<T>();
    for (const { Id } of await all<{ Id: string }[]>("/containers/json?all=1"))
      await this.#ask({ method: "DELETE", path: `/containers/${Id}?force=1&v=1` });
    for (const path of ["/networks/prune", "/volumes/prune"]) await this.#ask({ method: "POST", path });
    await this.#comeToRest("the removal of everything");
  }

  /** Looked at again while there are more than that: connections nobody uses any more are kept for some seconds. */
  async descriptorsAtRest(most = Infinity): Promise<string[]> {
    const deadline = Date.now() + restSeconds * 1000;
    for (;;) {
      await sleep(1000);
      const found = descriptorsWithHelpers(this.#daemon.pid);
      if (found.length <= most || Date.now() > deadline) return found;
    }
  }

  async #client(random: SeededRandom, names: Names, until: number): Promise<void> {
    while (Date.now() < until) {
      if (random.chance(0.08)) await this.#exec(random, names);
      else {
        const operation = random.weighted(operations);
        count(this.#report.operations, operation.name);
        for (const request of await operation.requests(random, names)) await this.#ask(request);
      }
      await sleep(random.integer(0, 60));
    }
  }

  async #exec(random: SeededRandom, names: Names): Promise<void> {
    count(this.#report.operations, "exec");
    const container = random.pick(names.containers);
    const created = await this.#ask({ method: "POST", path: `/containers/${container}/exec`, body: execBody(random) });
    if (created?.status !== 201) return;
    const { Id } = created.json<{ Id: string }>();
    await this.#ask({ method: "POST", path: `/exec/${Id}/start`, body: { Detach: random.chance(0.3) } });
    await this.#ask({ method: "GET", path: `/exec/${Id}/json` });
  }

  async #kills(random: SeededRandom, until: number): Promise<void> {
    for (;;) {
      await sleep(random.integer(500, 4000));
      if (Date.now() > until) return;
      this.#lastKill = Date.now();
      await this.#noteCounters();
      this.#daemonIsDown = true;
      try {
        const victim = await killOne(this.#daemon, random);
        if (victim !== undefined) {
          count(this.#report.kills, victim);
          this.#say(`killed: ${victim}`);
        }
      } catch (error) {
        this.#fault(`the daemon does not come back: ${String(error)}`);
      }
      this.#daemonIsDown = false;
      this.#lastKill = Date.now();
    }
  }

  /** Sends a request; the answer must come, and must not blame the daemon unless something was killed just now. */
  async #ask(request: Request): Promise<ApiResponse | undefined> {
    const { method, path, body, headers } = request;
    const began = Date.now();
    const answer = await this.#daemon.api(method, path, body, headers).catch((error: unknown) => String(error));
    const afterKill = this.#daemonIsDown || this.#lastKill > began - aftermathMs;
    if (typeof answer === "string") {
      count(this.#report.answers, "none");
      if (!afterKill) this.#fault(`${method} ${path}: ${answer}`);
      await sleep(100);
      return undefined;
    }
    count(this.#report.answers, String(answer.status));
    const blamesDaemon = answer.status >= 500 && !askedWrongly.test(answer.text);
    if ((answer.status >= 400 && neverRight.test(answer.text)) || (blamesDaemon && !afterKill))
      this.#fault(`${method} ${path} → ${answer.status} ${answer.text.slice(0, 500)}`);
    return answer;
  }

  async #comeToRest(what: string): Promise<void> {
    const deadline = Date.now() + restSeconds * 1000;
    let found: string[] = [];
    do {
      await sleep(500);
      found = await disagreements(this.#daemon, this.#containerd).catch((error: unknown) => [`cannot look: ${String(error)}`]);
    } while (found.length > 0 && Date.now() < deadline);
    await this.#noteCounters();
    this.#say(`${what}: ${found.length === 0 ? "all agree" : found.join("; ")}`);
    for (const difference of found) this.#fault(`after ${what}: ${difference}`);
  }

  async #noteCounters(): Promise<void> {
    const answer = await this.#daemon.api("GET", "/metrics").catch(() => undefined);
    const stall = Number(/^pouch_event_loop_longest_stall_seconds (\S+)/m.exec(answer?.text ?? "")?.[1] ?? 0);
    this.#report.longestStallMs = Math.max(this.#report.longestStallMs, Math.round(stall * 1000));
    for (const line of answer?.text.match(/^pouch_uncaught_errors_total\S* [1-9].*$/gm) ?? []) this.#fault(line);
  }

  #fault(text: string): void {
    this.#report.faults.push(`${new Date().toISOString()} ${text}`);
    this.#say(`FAULT ${text}`);
  }
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
