import { setTimeout as sleep } from "node:timers/promises";
import type { Daemon } from "../harness/daemon.ts";
import type { SeededRandom } from "../harness/seeded-random.ts";
import { processes, type ProcessOnMachine } from "./machine-state.ts";

export type Victim = "daemon" | "containerd" | "shim" | "runc" | "plugin";

const victims: [{ victim: Victim; weight: number }, ...{ victim: Victim; weight: number }[]] = [
  { victim: "daemon", weight: 3 },
  { victim: "containerd", weight: 3 },
  { victim: "shim", weight: 3 },
  { victim: "runc", weight: 4 },
  { victim: "plugin", weight: 1 },
];

const marks: Record<Exclude<Victim, "daemon">, RegExp> = {
  containerd: /(^|\/)containerd --config /,
  shim: /containerd-shim/,
  runc: /(^|\/)runc /,
  plugin: /pouchd plugin-child /,
};

/** runc lives for milliseconds: it is looked for until one is there. */
const patienceMs = 2000;

/** Kills one process of a kind, as the kernel does when memory runs out. Says which, or undefined when there was none. */
export async function killOne(daemon: Daemon, random: SeededRandom): Promise<Victim | undefined> {
  const { victim } = random.weighted(victims);
  if (victim === "daemon") {
    await daemon.kill9();
    await sleep(random.integer(0, 500));
    await daemon.launch();
    return victim;
  }
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 5) {
    const [first, ...more] = processes().filter((process) => isOurs(daemon, process) && marks[victim].test(process.command));
    if (first) {
      end(random.pick([first, ...more]));
      return victim;
    }
    await sleep(5);
  }
  return undefined;
}

function isOurs(daemon: Daemon, { command }: ProcessOnMachine): boolean {
  return command.includes(daemon.directory);
}

function end({ pid }: ProcessOnMachine): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself meanwhile.
  }
}
