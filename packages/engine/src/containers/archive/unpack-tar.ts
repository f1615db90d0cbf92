import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { execFile, spawn } from "node:child_process";
import { constants, linkSync, lstatSync, lutimesSync, mkdirSync, rmSync, symlinkSync, unlinkSync, type Stats } from "node:fs";
import { chmod, lchown, open } from "node:fs/promises";
import { posix } from "node:path";
import { Readable, type Duplex } from "node:stream";
import { promisify } from "node:util";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { extract, type ExtractEvents } from "tar-stream";
import { withDirectory, type Anchor } from "./container-files.ts";

export interface UnpackOptions {
  /** Refuse to put a folder where a file is and the other way round. */
  noOverwriteDirNonDir: boolean;
  /** Everything gets this owner instead of the archive's. */
  owner?: { uid: number; gid: number };
  makeFifo(path: string): Promise<void>;
}

/**
 * Unpacks a tar (plain, gzip, zstd, bzip2 or xz) below a folder of a container. Every entry's folder is looked up on its own,
 * with links staying inside the container's root: an entry behind a link the container made cannot reach the host.
 */
export async function unpackTar(target: Anchor, tar: Readable, options: UnpackOptions): Promise<void> {
  const entries = extract();
  const source = await decompressed(tar);
  source.on("error", (error: Error) => entries.destroy(error));
  source.pipe(entries);
  try {
    for await (const entry of entries) {
      await unpackEntry(target, entry, options);
      entry.resume();
    }
  } catch (cause) {
    source.destroy();
    if (cause instanceof EngineError) throw cause;
    throw isSystemError(cause)
      ? EngineError.from(cause)
      : invalidArgument(`cannot read the archive: ${String(cause)}`, { cause });
  }
}

/** An entry of tar-stream: its content, with its header beside it. */
type Entry = ExtractEvents["entry"][1];

const isSystemError = (error: unknown): boolean => error instanceof Error && "syscall" in error;

async function unpackEntry(target: Anchor, entry: Entry, options: UnpackOptions): Promise<void> {
  const { header } = entry;
  const path = posix.join("/", header.name);
  if (path === "/") return;
  const folder = { root: target.root, inside: posix.join(target.inside, posix.dirname(path)) };
  const put = (place: string): Promise<void> => putEntry(`${place}/${posix.basename(path)}`, target, entry, options);
  if ((await withDirectory(folder, async (place) => (await put(place), true))) !== undefined) return;
  await makeFolders(target, posix.dirname(path));
  const done = await withDirectory(folder, async (place) => (await put(place), true));
  if (!done) throw invalidArgument(`cannot unpack ${header.name}: a link on its way leads to nothing in the container`);
}

/** Folders an archive does not mention but has entries in. */
async function makeFolders(target: Anchor, path: string): Promise<void> {
  const names = path.split("/").filter(Boolean);
  for (const [index, name] of names.entries()) {
    const inside = posix.join(target.inside, ...names.slice(0, index));
    await withDirectory({ root: target.root, inside }, (place) => {
      if (!lstat(`${place}/${name}`)) mkdirSync(`${place}/${name}`, 0o755);
    });
  }
}

async function putEntry(path: string, target: Anchor, entry: Entry, options: UnpackOptions): Promise<void> {
  const { header } = entry;
  const there = clearPlace(path, header.name, header.type === "directory", options.noOverwriteDirNonDir);
  const { uid, gid } = options.owner ?? { uid: header.uid ?? 0, gid: header.gid ?? 0 };
  const mode = (header.mode ?? 0o644) & 0o7777;
  switch (header.type) {
    case "directory":
      if (!there) mkdirSync(path, 0o700);
      break;
    case "symlink":
      symlinkSync(header.linkname ?? "", path);
      await lchown(path, uid, gid);
      return;
    case "link":
      return linkTo(path, target, header.linkname ?? "");
    case "fifo":
      await options.makeFifo(path);
      break;
    case "character-device":
    case "block-device":
      await promisify(execFile)("mknod", [
        path,
        header.type === "character-device" ? "c" : "b",
        `${header.devmajor}`,
        `${header.devminor}`,
      ]);
      break;
    default:
      await writeFile(path, entry);
  }
  await lchown(path, uid, gid);
  // The place was made just now by us and is no link.
  await chmod(path, mode);
  if (header.mtime) lutimesSync(path, header.mtime, header.mtime);
}

/** Takes away what is in the way; a folder stays for a folder. */
function clearPlace(path: string, name: string, isFolder: boolean, strict: boolean): Stats | undefined {
  const there = lstat(path);
  if (!there) return undefined;
  if (there.isDirectory() && isFolder) return there;
  if (strict && there.isDirectory()) throw invalidArgument(`cannot overwrite directory "${name}" with non-directory`);
  if (strict && isFolder) throw invalidArgument(`cannot overwrite non-directory "${name}" with directory`);
  if (there.isDirectory()) rmSync(path, { recursive: true });
  else unlinkSync(path);
  return undefined;
}

async function linkTo(path: string, target: Anchor, linkname: string): Promise<void> {
  const to = posix.join("/", linkname);
  const folder = { root: target.root, inside: posix.join(target.inside, posix.dirname(to)) };
  const linked = await withDirectory(folder, (place) => (linkSync(`${place}/${posix.basename(to)}`, path), true));
  if (!linked) throw invalidArgument(`the archive links to ${linkname}, which does not exist`);
}

async function writeFile(path: string, content: Entry): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    // tar-stream yields buffers; its types leave that open.
    for await (const chunk of content) await file.writeFile(chunk as Buffer);
  } finally {
    await file.close();
  }
}

const lstat = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

const programs: [magic: number[], program: string][] = [
  [[0x42, 0x5a, 0x68], "bzip2"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz"],
];

/** The archive without its compression, told by its first bytes. */
async function decompressed(tar: Readable): Promise<Readable> {
  const chunks = tar[Symbol.asyncIterator]();
  const first = await chunks.next();
  const head: Buffer = first.done ? Buffer.alloc(0) : Buffer.from(first.value);
  const whole = Readable.from(
    (async function* () {
      if (!first.done) yield head;
      yield* { [Symbol.asyncIterator]: () => chunks };
    })(),
    { objectMode: false },
  );
  const startsWith = (magic: number[]): boolean => magic.every((byte, index) => head[index] === byte);
  const through = (transform: Duplex): Readable => {
    whole.on("error", (error) => transform.destroy(error));
    return whole.pipe(transform);
  };
  if (startsWith([0x1f, 0x8b])) return through(createGunzip());
  if (startsWith([0x28, 0xb5, 0x2f, 0xfd])) return through(createZstdDecompress());
  const [, program] = programs.find(([magic]) => startsWith(magic)) ?? [];
  if (program === undefined) return whole;
  const child = spawn(program, ["-dc"], { stdio: ["pipe", "pipe", "ignore"] });
  whole.on("error", () => child.kill());
  whole.pipe(child.stdin);
  return child.stdout;
}
