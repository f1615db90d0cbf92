import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Stands in every file of the tree: whoever answers with it has read files of the host. */
export const hostMarker = "this-is-the-host's-alone";

const folders = ["", "folder", "folder/deep", "place", "parent"];

const files: [path: string, mode: number][] = [
  ["secret", 0o600],
  ["folder/file", 0o640],
  ["folder/deep/file", 0o400],
  ["place/file", 0o600],
  ["place/place", 0o755],
  ["parent/place", 0o600],
  ["parent/file", 0o644],
  ["passwd", 0o600],
];

/**
 * Files of the host that nothing of a test may touch. A change of content, mode, owner or attributes moves a file's ctime, and a
 * look into a file or folder its atime, which is kept older than that (the file system has to write it: `relatime` does).
 */
export class WatchedTree {
  readonly root: string;
  readonly #before: Map<string, string>;

  constructor(root: string) {
    this.root = root;
    for (const folder of folders) mkdirSync(join(root, folder));
    for (const [path, mode] of files) {
      writeFileSync(join(root, path), `${hostMarker}\nhostonly:x:4242:4242::/:/bin/sh\n`);
      chmodSync(join(root, path), mode);
    }
    chownSync(join(root, "secret"), 4242, 4242);
    this.#paths = [...folders, ...files.map(([path]) => path)];
    for (const path of this.#paths) utimesSync(join(root, path), 1, 1_000_000_000);
    this.#before = this.#look();
  }

  readonly #paths: readonly string[];

  /** What is not as it was; nothing when all is well. To be asked once: it looks into the folders itself. */
  differences(): string[] {
    const now = this.#look();
    const changed = this.#paths.filter((path) => this.#before.get(path) !== now.get(path));
    const more = readdirSync(this.root, { recursive: true, encoding: "utf8" }).filter((path) => !this.#paths.includes(path));
    return [
      ...changed.map((path) => `${path || "the folder itself"} was ${this.#before.get(path)}, is ${now.get(path)}`),
      ...more.map((path) => `${path} is new`),
    ];
  }

  #look(): Map<string, string> {
    return new Map(
      this.#paths.map((path) => {
        const stats = lstatSync(join(this.root, path), { bigint: true, throwIfNoEntry: false });
        if (stats === undefined) return [path, "absent"];
        const { mode, uid, gid, nlink, ino, size, atimeNs, mtimeNs, ctimeNs } = stats;
        const kept = { mode, uid, gid, nlink, ino, size, atimeNs, mtimeNs, ctimeNs };
        return [
          path,
          Object.entries(kept)
            .map(([name, value]) => `${name} ${value}`)
            .join(", "),
        ];
      }),
    );
  }
}
