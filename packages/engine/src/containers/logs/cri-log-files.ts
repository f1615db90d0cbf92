import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What the kubelet appends when it puts a log aside, and again when it has compressed it. */
const rotatedEnding = /^\.\d{8}-\d{6}(\.gz)?$/;

/** Paths of a log's files as the kubelet rotates them, oldest first. A file that is being compressed counts once. */
export function criLogFiles(path: string): string[] {
  const name = basename(path);
  const names = readdirSync(dirname(path)).filter(
    (entry) => entry.startsWith(name) && rotatedEnding.test(entry.slice(name.length)),
  );
  const plain = new Set(names.filter((entry) => !entry.endsWith(".gz")));
  const old = names.filter((entry) => !entry.endsWith(".gz") || !plain.has(entry.slice(0, -".gz".length)));
  return [...old.toSorted().map((entry) => join(dirname(path), entry)), path];
}
