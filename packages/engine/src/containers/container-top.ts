import type * as api from "@pouchcontainer/api";
import { conflict, internal, invalidArgument } from "@pouchcontainer/errors";
import { lastWords, programOutcome } from "@pouchcontainer/owners";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import { whileRunning } from "./process-gone.ts";

/** `ps` of the host, cut down to the container's processes. */
export async function containerTop(room: ContainerRoom, container: Container, psArgs: string): Promise<api.ContainerTopResponse> {
  await container.startsSettled();
  if (container.state.status === "restarting")
    throw conflict(`container ${container.id} is restarting, wait until the container is running`);
  if (!container.isRunning) throw conflict(`container ${container.id} is not running`);
  const args = (psArgs || "-ef").split(/\s+/).filter((word) => word !== "");
  if (args.some((word) => /[^A-Za-z0-9,=:%+._-]/.test(word)))
    throw invalidArgument(`arguments of ps may not contain other than plain words, got "${psArgs}"`);
  const processes = await whileRunning(room, container, () => room.deps.containerd.tasks.listPids(container.id));
  const pids = new Set(processes.map(({ pid }) => pid));
  const top = parsePs(await runPs(args), pids);
  publishContainerEvent(room.deps.events, container.record, "top");
  return top;
}

async function runPs(args: string[]): Promise<string> {
  const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C" };
  const outcome = await programOutcome("ps", args, { env, maxOutputBytes: 64 << 20, packageName: "procps" });
  if (outcome.status !== 0) throw internal(`ps: ${lastWords(outcome).split("\n", 1)[0]}`);
  return outcome.stdout;
}

/** Keeps the lines whose PID column names one of the processes; the last column takes the rest of its line. */
export function parsePs(text: string, pids: ReadonlySet<number>): api.ContainerTopResponse {
  const [header = "", ...lines] = text.split("\n");
  const titles = header.trim().split(/\s+/);
  const column = titles.indexOf("PID");
  if (column === -1) throw internal("Couldn't find PID field in ps output");
  const rows = lines.map((line) => {
    const words = line.trim().split(/\s+/);
    return [...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(" ")];
  });
  return { Titles: titles, Processes: rows.filter((row) => pids.has(Number(row[column]))) };
}
