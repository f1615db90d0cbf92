import type { TmpfsOptions } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";

/** Mount flags that undo each other. */
const opposites: Record<string, string> = {
  ro: "rw",
  suid: "nosuid",
  dev: "nodev",
  exec: "noexec",
  sync: "async",
  dirsync: "",
  remount: "",
  mand: "nomand",
  atime: "noatime",
  diratime: "nodiratime",
  bind: "",
  rbind: "",
  relatime: "norelatime",
  strictatime: "nostrictatime",
  iversion: "noiversion",
  defaults: "",
};
const flags = new Map(Object.entries(opposites).flatMap(([one, other]) => [[one, one] as const, [other, one] as const]));
flags.delete("");
for (const propagation of ["private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"])
  flags.set(propagation, "propagation");

const tmpfsData = new Set(["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"]);

/** What Docker puts before a tmpfs' own options. */
const tmpfsDefaults = ["noexec", "nosuid", "nodev", "rprivate"];

/** Options of a tmpfs mount: the defaults, overridden flag by flag; a word tmpfs does not know is refused. */
export function tmpfsOptions(text: string): string[] {
  const wanted = [...tmpfsDefaults, ...text.split(",").filter((option) => option !== "")];
  const merged = new Map<string, string>();
  for (const option of wanted) {
    const key = keyOf(option);
    if (key === undefined) throw invalidArgument(`Invalid tmpfs option ["${text}"]: "${option}" is not known`);
    // Later words win, and stand where they were written.
    merged.delete(key);
    merged.set(key, option);
  }
  return [...merged.values()];
}

function keyOf(option: string): string | undefined {
  const name = option.split("=", 1)[0] ?? "";
  if (option.includes("=")) return tmpfsData.has(name) ? name : undefined;
  return flags.get(option);
}

/** The option text of a `Mounts` entry of type tmpfs. */
export function tmpfsText(options: TmpfsOptions | undefined, readOnly: boolean): string {
  const words: string[] = readOnly ? ["ro"] : [];
  if (options?.Mode) words.push(`mode=${options.Mode.toString(8)}`);
  if (options?.SizeBytes) words.push(`size=${sizeText(options.SizeBytes)}`);
  for (const option of options?.Options ?? []) words.push(option.join("="));
  return words.join(",");
}

/** Bytes in the largest unit that keeps them whole, as Docker writes them. */
function sizeText(bytes: number): string {
  const units = ["", "k", "m", "g"];
  let size = bytes;
  let unit = 0;
  while (unit < units.length - 1 && size % 1024 === 0) {
    size /= 1024;
    unit++;
  }
  return `${size}${units[unit]}`;
}
