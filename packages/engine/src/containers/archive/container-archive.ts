import type * as api from "@pouchcontainer/api";
import { EngineError, forbidden, internal, invalidArgument } from "@pouchcontainer/errors";
import { spawn } from "node:child_process";
import { lstatSync, readdirSync, readlinkSync, statSync, type Stats } from "node:fs";
import { posix } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { rfc3339Nano } from "../clock.ts";
import type { Container } from "../container.ts";
import { publishContainerEvent } from "../container-events.ts";
import type { ContainerRoom } from "../container-room.ts";
import { buildProcess, rootfsReader } from "../spec/index.ts";
import { noSuchPath, withContainerFiles, withDirectory, type Anchor, type ContainerFiles } from "./container-files.ts";
import { unpackTar } from "./unpack-tar.ts";

/** What a path is; a link is described, not followed. */
export async function archiveStat(room: ContainerRoom, container: Container, path: string): Promise<api.ContainerPathStat> {
  return withContainerFiles(room, container, async (files) => (await located(files, container, path)).stat);
}

/** A tar of the path; its entries begin with the path's last name. */
export async function archiveGet(
  room: ContainerRoom,
  container: Container,
  path: string,
): Promise<{ stat: api.ContainerPathStat; tar: Readable }> {
  const tar = new PassThrough();
  const found = Promise.withResolvers<api.ContainerPathStat>();
  withContainerFiles(room, container, async (files) => {
    const { folder, name, stat } = await located(files, container, path);
    found.resolve(stat);
    publishContainerEvent(room.deps.events, container.record, "archive-path");
    await withDirectory(folder, (place) => packTo(place, name, stat.name, tar));
  }).catch((error: unknown) => {
    found.reject(error);
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  // Until the caller listens: the failure reaches it through `found`, and through the stream once it reads.
  tar.on("error", () => undefined);
  return { stat: await found.promise, tar };
}

/** Unpacks a tar (compressed or not) into a folder of the container. */
export async function archivePut(
  room: ContainerRoom,
  container: Container,
  path: string,
  tar: Readable,
  options: { noOverwriteDirNonDir: boolean; copyUidGid: boolean },
): Promise<void> {
  await withContainerFiles(room, container, async (files) => {
    const target = files.anchor(path);
    const host = rootfsReader(target.root).resolve(target.inside);
    if (host === undefined) throw noSuchPath(container, path);
    if (!statSync(host).isDirectory()) throw invalidArgument("extraction point is not a directory");
    if (!files.isWritable(path)) throw forbidden("container rootfs is marked read-only");
    await unpackTar(target, tar, {
      noOverwriteDirNonDir: options.noOverwriteDirNonDir,
      makeFifo: (place) => room.deps.stdio.makeFifo(place),
      ...(options.copyUidGid ? { owner: ownerIn(room, container, files) } : {}),
    });
    publishContainerEvent(room.deps.events, container.record, "extract-to-dir");
  });
}

/** Who the container's processes run as: `cp --archive` gives files to them. */
function ownerIn({ deps }: ContainerRoom, { record }: Container, files: ContainerFiles): { uid: number; gid: number } {
  const rootfs = rootfsReader(files.anchor("/").root);
  const { process } = buildProcess({ record, facts: deps.facts, settings: deps.specSettings, rootfs }, { Cmd: ["true"] });
  return { uid: process.user.uid, gid: process.user.gid };
}

interface Located {
  /** The folder the path is in, or the folder that is meant itself. */
  folder: Anchor;
  /** Its name there; `.` for the folder itself. */
  name: string;
  stat: api.ContainerPathStat;
}

/** Describes what a path names. A slash or dot at its end means what a link there points to. */
async function located(files: ContainerFiles, container: Container, path: string): Promise<Located> {
  const { root, inside } = files.anchor(path);
  const itself = inside === "/" || /(^|\/)\.?$/.test(path);
  const folder = { root, inside: itself ? inside : posix.dirname(inside) };
  const name = itself ? "." : posix.basename(inside);
  const found = await withDirectory(folder, (place) => {
    const stats = lstatSync(`${place}/${name}`, { throwIfNoEntry: false });
    return stats && { stats, link: stats.isSymbolicLink() ? readlinkSync(`${place}/${name}`) : "" };
  });
  if (!found) throw noSuchPath(container, path);
  const { stats, link } = found;
  return {
    ...(stats.isDirectory() ? { folder: { root, inside }, name: "." } : { folder, name }),
    stat: {
      name: /(^|\/)\.$/.test(path) ? "." : posix.basename(posix.join("/", path)) || "/",
      size: stats.size,
      mode: goFileMode(stats),
      mtime: rfc3339Nano(BigInt(Math.floor(stats.mtimeMs)) * 1_000_000n),
      linkTarget: link === "" || link.startsWith("/") ? link : posix.join(posix.dirname(posix.join("/", path)), link),
    },
  };
}

/** Go's `fs.FileMode`: permission bits, and the kind in bits of its own. */
export function goFileMode(
  stats: Pick<Stats, "mode" | "isDirectory" | "isSymbolicLink" | "isFIFO" | "isSocket" | "isBlockDevice" | "isCharacterDevice">,
): number {
  let mode = stats.mode & 0o777;
  if (stats.isDirectory()) mode += 2 ** 31;
  if (stats.isSymbolicLink()) mode += 2 ** 27;
  if (stats.isBlockDevice()) mode += 2 ** 26;
  if (stats.isFIFO()) mode += 2 ** 25;
  if (stats.isSocket()) mode += 2 ** 24;
  if (stats.isCharacterDevice()) mode += 2 ** 26 + 2 ** 21;
  if (stats.mode & 0o4000) mode += 2 ** 23;
  if (stats.mode & 0o2000) mode += 2 ** 22;
  if (stats.mode & 0o1000) mode += 2 ** 20;
  return mode;
}

/** What the kernel shows a running process there is no part of the container's files. */
export const kernelPlaces = ["proc", "sys", "dev"];

/** The `tar` program keeps owners, links, devices and attributes as they are; names are made to begin with `base`. */
export async function packTo(
  folder: string,
  member: string,
  base: string,
  into: PassThrough,
  emptied: readonly string[] = base === "/" ? kernelPlaces : [],
): Promise<void> {
  const name = base.replaceAll(/[\\,&]/g, "\\$&");
  // r, S and h: regular names and targets of hard links are changed, those of symbolic links (s) are not.
  const transforms =
    base === "." || base === ""
      ? []
      : base === "/"
        ? ["s,^\\./,/,"]
        : member === "."
          ? [`s,^\\.$,${name},`, `s,^\\./,${name}/,`]
          : [`s,^.*$,${name},`];
  const members = packedMembers(folder, member, base);
  const left = emptied.map((place) => `--exclude=${base === "/" ? "./" : ""}${place.replaceAll(/[*?[\]\\]/g, "\\$&")}/*`);
  const options = [
    "--anchored",
    ...left,
    "-P",
    "--numeric-owner",
    "--xattrs",
    "--sparse",
    ...transforms.map((text) => `--transform=flags=rSh;${text}`),
  ];
  await runTar(
    ["-c", "-f", "-", ...options, "-C", folder, ...(members.length > 0 ? ["--", ...members] : ["-T", "/dev/null"])],
    into,
  );
}

/** A path's entries hang under its name; the root has none: its entries are packed one by one, an export's without any folder in front. */
function packedMembers(folder: string, member: string, base: string): string[] {
  if (base === "/") return readdirSync(folder).map((name) => `./${name}`);
  if (base === "") return readdirSync(folder);
  return [member === "." ? "." : `./${member}`];
}

async function runTar(args: string[], output: PassThrough): Promise<void> {
  const child = spawn("tar", args, { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" } });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4096)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  // A reader that goes away ends tar by its closed pipe.
  const [status, flow] = await Promise.allSettled([ended, pipeline(child.stdout, output)]);
  if (status.status === "rejected") throw internal("the tar program could not be started: install tar", { cause: status.reason });
  if (flow.status === "rejected") throw EngineError.from(flow.reason);
  // 1: a file changed while it was read, which a running container's files may.
  if (status.value !== 0 && status.value !== 1) throw internal(`tar failed: ${said.trim() || `exit status ${status.value}`}`);
}
