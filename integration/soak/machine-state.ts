import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ProcessOnMachine {
  pid: number;
  parent: number;
  command: string;
}

/** All processes with the words of their command lines. */
export function processes(): ProcessOnMachine[] {
  return numericNames("/proc").flatMap((name) => {
    const command = readOr(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim();
    const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(readOr(`/proc/${name}/stat`))?.[1] ?? 0);
    return command === "" ? [] : [{ pid: Number(name), parent, command }];
  });
}

/** Of a process that is gone, no number. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readOr(`/proc/${pid}/status`))?.[1]);
}

/** Whether a process is there and not a zombie. */
export function isAlive(pid: number): boolean {
  const state = /^\d+ \(.*\) (\S)/s.exec(readOr(`/proc/${pid}/stat`))?.[1];
  return state !== undefined && state !== "Z" && state !== "X";
}

/** Places of mounts in or below a folder. */
export function mountsIn(folder: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((place) => place === folder || place.startsWith(`${folder}/`));
}

/** Folders below a control group of that name, in every controller's tree, by their last name. */
export function controlGroupsBelow(parent: string): string[] {
  const found = spawnSync("find", ["/sys/fs/cgroup", "-mindepth", "2", "-type", "d", "-path", `*/${parent}/*`], {
    encoding: "utf8",
  });
  return found.stdout.split("\n").filter((path) => path !== "");
}

/** What each descriptor of a process leads to. */
function descriptorsOf(pid: number): string[] {
  return numericNames(`/proc/${pid}/fd`).map((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      return "closed";
    }
  });
}

/** The same of a daemon and of the programs that work for it; containerd counts its own. */
export function descriptorsWithHelpers(daemon: number): string[] {
  const helpers = processes().filter(({ parent, command }) => parent === daemon && !/^(\S*\/)?containerd /.test(command));
  return [daemon, ...helpers.map(({ pid }) => pid)].flatMap(descriptorsOf);
}

export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Interfaces of this namespace as `ip -json` tells them. */
export function interfaces(): { ifname: string; master?: string; linkinfo?: { info_kind?: string } }[] {
  return jsonOf("ip", ["-json", "-details", "link", "show"]);
}

/** Host ports that the table of a daemon leads to containers. */
export function publishedPorts(table: string): number[] {
  return portElements(table).map(([{ concat }]) => Number(concat.at(-1)));
}

/** Where they lead: a container's address by host port. */
export function portTargets(table: string): Map<number, string> {
  return new Map(portElements(table).map(([from, to]) => [Number(from.concat.at(-1)), String(to.concat[0])]));
}

function portElements(table: string): [NftConcatenation, NftConcatenation][] {
  const { nftables } = jsonOf<{ nftables: { map?: { name: string; elem?: [NftConcatenation, NftConcatenation][] } }[] }>(
    "nft",
    ["-j", "list", "table", "inet", table],
    { nftables: [] },
  );
  return nftables.filter(({ map }) => map?.name.startsWith("ports")).flatMap(({ map }) => map?.elem ?? []);
}

interface NftConcatenation {
  concat: (string | number)[];
}

function jsonOf<T>(program: string, args: string[], otherwise?: T): T {
  const result = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (result.status !== 0 && otherwise !== undefined) return otherwise;
  // What these programs print in JSON has the shape of their manual pages.
  return JSON.parse(result.stdout) as T;
}

function numericNames(folder: string): string[] {
  return namesIn(folder).filter((name) => /^\d+$/.test(name));
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
