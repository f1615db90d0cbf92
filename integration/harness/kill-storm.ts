import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sleep, type Daemon } from "./daemon.ts";
import { SeededRandom } from "./seeded-random.ts";

export type Victim = "pouchd" | "containerd" | "shim" | "runc" | "process";

export interface StormOptions {
  seed: number;
  /** Clients that create, start, exec, stop, pause and remove at the same time. */
  clients: number;
  victims: readonly [Victim, ...Victim[]];
  /** Kills before the round ends. */
  kills: number;
}

/**
 * Clients work, and what they work with is killed with SIGKILL at moments the seed decides. When it resolves the clients have
 * ended, the daemon runs, and what was killed is on its way back.
 */
export async function killStorm(daemon: Daemon, { seed, clients, victims, kills }: StormOptions): Promise<void> {
  const random = new SeededRandom(seed);
  const over = new AbortController();
  const working = Array.from({ length: clients }, (_, index) =>
    client(daemon, `s${seed}-${index}`, random.fork(index), over.signal),
  );
  for (let count = 0; count < kills; count++) {
    await sleep(random.integer(20, 420));
    const victim = random.pick(victims);
    if (victim === "pouchd") {
      const together = random.chance(0.3) && victims.includes("containerd");
      const gone = daemon.kill9();
      if (together) kill("containerd", daemon, random);
      await gone;
      await sleep(random.integer(0, 300));
      await daemon.launch();
    } else kill(victim, daemon, random);
  }
  over.abort();
  await Promise.all(working);
}

/** Whatever it asks may fail in a storm; the audit afterwards is what counts. */
async function client(daemon: Daemon, name: string, random: SeededRandom, over: AbortSignal): Promise<void> {
  for (let count = 0; !over.aborted; count++) {
    const container = `${name}-${count}`;
    const ask = async (method: string, path: string, body?: unknown): Promise<{ status: number; id: string }> => {
      try {
        const { status, text } = await daemon.api(method, path, body);
        return { status, id: (JSON.parse(text || "{}") as { Id?: string }).Id ?? "" };
      } catch {
        await sleep(20);
        return { status: 0, id: "" };
      }
    };
    await ask("POST", `/containers/create?name=${container}`, {
      Image: "busybox",
      Cmd: random.pick([["sleep", "300"], ["sleep", "300"], ["sh", "-c", "echo words; sleep 0.2"], ["true"]]),
      StopSignal: "SIGKILL",
      Volumes: random.chance(0.3) ? { "/data": {} } : {},
      HostConfig: {
        NetworkMode: random.pick(["none", "bridge"]),
        IpcMode: random.pick(["private", "shareable"]),
        AutoRemove: random.chance(0.2),
        ...(random.chance(0.2) ? { PidMode: "host" } : {}),
      },
    });
    await ask("POST", `/containers/${container}/start`);
    for (let step = 0; step < 3; step++) {
      const what = random.pick(["exec", "exec", "pause", "stop", "restart", "kill", "start", "unpause"]);
      if (what === "exec") {
        const { id } = await ask("POST", `/containers/${container}/exec`, { Cmd: ["sleep", random.pick(["0", "0.1", "5"])] });
        if (id !== "") await ask("POST", `/exec/${id}/start`, { Detach: true });
      } else await ask("POST", `/containers/${container}/${what}${what === "stop" || what === "restart" ? "?t=0" : ""}`);
    }
    if (random.chance(0.8)) await ask("DELETE", `/containers/${container}?force=1&v=1`);
  }
}

function kill(victim: Exclude<Victim, "pouchd">, daemon: Daemon, random: SeededRandom): void {
  const [first, ...more] = pidsOf(victim, daemon);
  try {
    if (first !== undefined) process.kill(random.pick([first, ...more]), "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function pidsOf(victim: Exclude<Victim, "pouchd">, daemon: Daemon): number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const program = read(`/proc/${name}/cmdline`);
    const words = program.split("\0");
    const is: Record<typeof victim, () => boolean> = {
      containerd: () => /(^|\/)containerd$/.test(words[0] ?? "") && program.includes(daemon.execRoot),
      shim: () => /containerd-shim/.test(words[0] ?? "") && words.includes(join(daemon.execRoot, "containerd.sock")),
      // `runc init` says nothing of whose it is on its command line; its shim, which is its parent, does.
      runc: () => /(^|\/)runc$/.test(words[0] ?? "") && (program.includes(daemon.execRoot) || parentIsOurs(name, daemon)),
      process: () => read(`/proc/${name}/cgroup`).includes(`/${daemon.cgroupParent}/`),
    };
    if (is[victim]()) found.push(Number(name));
  }
  return found;
}

function parentIsOurs(pid: string, daemon: Daemon): boolean {
  const parent = /^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1];
  return parent !== undefined && read(`/proc/${parent}/cmdline`).includes(daemon.execRoot);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
