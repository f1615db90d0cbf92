import { failedPrecondition, messageChain } from "@pouchcontainer/errors";
import { statSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import type { Configuration, OptionName } from "./options.ts";

type Kind = "folder" | "file" | "socket";

const kinds: Record<Kind, { article: string; is: (stats: Stats) => boolean }> = {
  folder: { article: "a folder", is: (stats) => stats.isDirectory() },
  // A pipe or /dev/null too: nothing but what is opened and cannot be read or written as one.
  file: { article: "a file", is: (stats) => !stats.isDirectory() && !stats.isSocket() },
  socket: { article: "a socket", is: (stats) => stats.isSocket() },
};

/** What a path has to be where there is something; `there` where there has to be something. */
const rules: { name: OptionName; kind: Kind; there?: true }[] = [
  { name: "home-dir", kind: "folder" },
  { name: "exec-root-dir", kind: "folder" },
  { name: "pidfile", kind: "file" },
  { name: "tlscacert", kind: "file", there: true },
  { name: "tlscert", kind: "file", there: true },
  { name: "tlskey", kind: "file", there: true },
  { name: "stream-tlscacert", kind: "file", there: true },
  { name: "stream-tlscert", kind: "file", there: true },
  { name: "stream-tlskey", kind: "file", there: true },
  { name: "containerd", kind: "socket", there: true },
  { name: "certs-dir", kind: "folder" },
  { name: "cni-bin-dir", kind: "folder" },
  { name: "cni-conf-dir", kind: "folder" },
  { name: "plugin-set", kind: "file", there: true },
  { name: "plugin-config-dir", kind: "folder" },
  { name: "plugin-signature-keys", kind: "file", there: true },
];

/** Refuses paths of the wrong kind, each with its option: what opens them later would say `EISDIR` and no more. */
export function checkPaths(configuration: Configuration): void {
  for (const { name, kind, there = false } of rules)
    for (const path of pathsOf(configuration[name])) checkPath(`--${name}`, path, kind, there);
  if (configuration["enable-cri"])
    for (const path of pathsOf(configuration["listen-cri"])) checkPath("--listen-cri", path, "socket", false);
  for (const address of configuration.listen)
    if (address.startsWith("unix://")) checkPath("--listen", address.slice("unix://".length), "socket", false);
}

function pathsOf(value: Configuration[OptionName]): string[] {
  const paths = Array.isArray(value) ? value : typeof value === "string" ? [value] : [];
  return paths.map((path) => path.replace(/^unix:\/\//, ""));
}

function checkPath(option: string, path: string, kind: Kind, there: boolean): void {
  const { article, is } = kinds[kind];
  const stats = statsOf(option, path);
  if (stats && !is(stats)) throw failedPrecondition(`${option}: ${path} is ${kindOf(stats)}, it has to be ${article}`);
  if (stats) return;
  if (there) throw failedPrecondition(`${option}: ${path} is not there, it has to be ${article}`);
  const [above, parent] = nearestAbove(option, path);
  if (!parent.isDirectory())
    throw failedPrecondition(`${option}: ${path} cannot be made, ${above} is ${kindOf(parent)} and no folder`);
}

function nearestAbove(option: string, path: string): [path: string, stats: Stats] {
  const above = dirname(path);
  const stats = statsOf(option, above);
  return stats ? [above, stats] : nearestAbove(option, above);
}

/** Undefined where there is nothing, also where a file is in the way: that is found on the way up. */
function statsOf(option: string, path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw failedPrecondition(`${option}: ${path} cannot be looked at: ${messageChain(cause)}`, { cause });
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a folder";
  if (stats.isSocket()) return "a socket";
  return stats.isFile() ? "a file" : "a device or pipe";
}
