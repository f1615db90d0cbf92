import { existsSync } from "node:fs";
import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where control groups are mounted: one place for all controllers with version 2, one for each with version 1. */
export interface GroupHierarchies {
  /** Of the controllers. On a machine with both, version 1 has them, and the runtime makes groups in all places. */
  version: 1 | 2;
  places: string[];
}

/** From the text of mountinfo. */
export function groupHierarchies(mountInfo: string): GroupHierarchies {
  const mounts = mountInfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const kind = after.split(" ")[0];
    return kind === "cgroup" || kind === "cgroup2" ? [{ kind, place: before.split(" ")[4] ?? "" }] : [];
  });
  return {
    version: mounts.some(({ kind }) => kind === "cgroup") ? 1 : 2,
    places: [...new Set(mounts.map(({ place }) => place))],
  };
}

/** Their places alone. */
export const hierarchiesOf = (mountInfo: string): string[] => groupHierarchies(mountInfo).places;

/** Places of the hierarchies of version 1 with one of these controllers, and those of version 2. */
export function placesWith(mountInfo: string, controllers: readonly string[]): string[] {
  const wanted = new Set(controllers);
  const found = mountInfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [kind, , options = ""] = after.split(" ");
    const isWanted = kind === "cgroup2" || (kind === "cgroup" && options.split(",").some((option) => wanted.has(option)));
    return isWanted ? [before.split(" ")[4] ?? ""] : [];
  });
  return [...new Set(found)];
}

/** The folders of a group and of those above it, below each of the places, each after the one above it. */
export function foldersAlong(places: readonly string[], group: string): string[] {
  const parts = group.split("/").filter((part) => part !== "" && part !== ".");
  return places.flatMap((place) => parts.map((_, index) => join(place, ...parts.slice(0, index + 1))));
}

/** The folder of a slice in a hierarchy: each part of its name but the last is a slice around it (systemd.slice(5)). */
export function folderOfSlice(slice: string): string {
  const parts = slice.replace(/\.slice$/, "").split("-");
  return `/${parts.map((_, index) => `${parts.slice(0, index + 1).join("-")}.slice`).join("/")}`;
}

/** The folders a group has, by `linux.cgroupsPath`. A scope of systemd's is systemd's to take down: it has none here. */
export function groupFolders(hierarchies: readonly string[], cgroupsPath: string): string[] {
  if (!cgroupsPath.startsWith("/")) return [];
  return hierarchies.map((place) => join(place, cgroupsPath)).filter((folder) => existsSync(folder));
}

/** Processes in a group and in the groups below it. */
export async function processesIn(folder: string): Promise<number[]> {
  const own = await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "");
  const below = await Promise.all((await groupsIn(folder)).map((name) => processesIn(join(folder, name))));
  // 0 is a process of another PID namespace than ours.
  return [
    ...own
      .split("\n")
      .filter((line) => line !== "" && line !== "0")
      .map(Number),
    ...below.flat(),
  ];
}

/** Lets frozen processes go on: with version 1 they do not die before. */
export async function thawGroup(folder: string): Promise<void> {
  await writeFile(join(folder, "freezer.state"), "THAWED", { flag: "r+" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

/** Removes an empty group with the empty groups below it; the kernel refuses one that has processes. */
export async function removeGroup(folder: string): Promise<void> {
  for (const name of await groupsIn(folder)) await removeGroup(join(folder, name));
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

export async function groupsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
