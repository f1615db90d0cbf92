import { linux } from "@pouchcontainer/linux";

/** mount(2)'s flag for each option that has one (`mount(8)`); `clears` takes its bit away again. */
const flags = new Map<string, { bit: bigint; clears?: boolean }>(
  Object.entries({
    ro: { bit: linux.MS_RDONLY },
    rw: { bit: linux.MS_RDONLY, clears: true },
    nosuid: { bit: linux.MS_NOSUID },
    suid: { bit: linux.MS_NOSUID, clears: true },
    nodev: { bit: linux.MS_NODEV },
    dev: { bit: linux.MS_NODEV, clears: true },
    noexec: { bit: linux.MS_NOEXEC },
    exec: { bit: linux.MS_NOEXEC, clears: true },
    noatime: { bit: linux.MS_NOATIME },
    relatime: { bit: linux.MS_RELATIME },
    bind: { bit: linux.MS_BIND },
    rbind: { bit: linux.MS_BIND | linux.MS_REC },
    defaults: { bit: 0n },
  }),
);

/** Splits a mount's options into the kernel's flags and the text for the file system itself. */
export function parseMountOptions(options: readonly string[]): { flags: bigint; data: string } {
  let bits = 0n;
  const data: string[] = [];
  for (const option of options) {
    const flag = flags.get(option);
    if (flag === undefined) data.push(option);
    else bits = flag.clears ? bits & ~flag.bit : bits | flag.bit;
  }
  return { flags: bits, data: data.join(",") };
}

/**
 * An overlay of many layers names more than the page of text that mount(2) takes: its folders are named from a common parent,
 * which is the working directory while it is mounted (containerd does the same).
 */
export function shortenedOverlay(options: readonly string[]): { directory: string; options: string[] } {
  const prefix = "lowerdir=";
  const lower =
    options
      .find((option) => option.startsWith(prefix))
      ?.slice(prefix.length)
      .split(":") ?? [];
  const directory = commonFolder(lower);
  const shorten = (path: string): string => path.slice(directory.length + 1);
  if (lower.length < 2 || directory === "") return { directory: "/", options: [...options] };
  return {
    directory,
    options: options.map((option) => (option.startsWith(prefix) ? `${prefix}${lower.map(shorten).join(":")}` : option)),
  };
}

/** The deepest folder above all of these paths; empty for the root. */
function commonFolder(paths: readonly string[]): string {
  const parents = paths.map((path) => path.split("/").slice(0, -1));
  const first = parents[0] ?? [];
  let depth = 0;
  while (depth < first.length && parents.every((names) => names[depth] === first[depth])) depth += 1;
  return first.slice(0, depth).join("/");
}
