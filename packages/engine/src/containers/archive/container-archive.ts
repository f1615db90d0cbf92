import type * as api from "@pouchcontainer/api";
import { EngineError, forbidden, internal, invalidArgument } from "@pouchcontainer/errors";
import { spawn } from "node:child_process";
import { lstatSync, readlinkSync, statSync, type Stats } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { rfc3339Nano } from "../clock.ts";
import type { Container } from "../container.ts";
import { publishContainerEvent } from "../container-events.ts";
import type { ContainerRoom } from "../container-room.ts";
import { noSuchPath, withContainerFiles, type ContainerFiles } from "./container-files.ts";

/** What a path is; a link is described, not followed. */
export async function archiveStat(room: ContainerRoom, container: Container, path: string): Promise<api.ContainerPathStat> {
  return withContainerFiles(room, container, (files) => Promise.resolve(located(files, container, path).stat));
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
    const { host, stat, follow } = located(files, container, path);
    found.resolve(stat);
    publishContainerEvent(room.deps.events, container.record, "archive-path");
    const base = follow ? posix.basename(posix.join("/", path)) || "/" : basename(host);
    await packTo(host, base, tar);
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
    const host = files.resolve(path);
    if (host === undefined) throw noSuchPath(container, path);
    if (!statSync(host).isDirectory()) throw invalidArgument("extraction point is not a directory");
    if (!files.isWritable(path)) throw forbidden("container rootfs is marked read-only");
    await unpackInto(host, tar, options);
    publishContainerEvent(room.deps.events, container.record, "extract-to-dir");
  });
}

interface Located {
  host: string;
  stat: api.ContainerPathStat;
  /** The path ends in a slash or dot: what a link points to is meant. */
  follow: boolean;
}

function located(files: ContainerFiles, container: Container, path: string): Located {
  const follow = /(^|\/)\.?$/.test(path);
  const parent = files.resolveParent(path);
  const host = follow ? files.resolve(path) : parent && join(parent.host, parent.name);
  const stats = host === undefined ? undefined : lstatSync(host, { throwIfNoEntry: false });
  if (host === undefined || !stats) throw noSuchPath(container, path);
  const target = stats.isSymbolicLink() ? linkTarget(host, path) : "";
  const name = posix.basename(posix.join("/", path)) || "/";
  return {
    host,
    follow,
    stat: {
      name,
      size: stats.size,
      mode: goFileMode(stats),
      mtime: rfc3339Nano(BigInt(Math.floor(stats.mtimeMs)) * 1_000_000n),
      linkTarget: target,
    },
  };
}

function linkTarget(host: string, path: string): string {
  const target = readlinkSync(host);
  return target.startsWith("/") ? target : posix.join(posix.dirname(posix.join("/", path)), target);
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

/** The `tar` program keeps owners, links, devices and attributes as they are; names are made to begin with `base`. */
export async function packTo(host: string, base: string, into: PassThrough): Promise<void> {
  const isFolder = lstatSync(host).isDirectory();
  const [folder, member] = isFolder ? [host, "."] : [dirname(host), basename(host)];
  const name = base.replaceAll(/[\\,&]/g, "\\$&");
  const rename = isFolder
    ? [
        `--transform=flags=rSh;s,^\\.$,${name === "/" ? "./" : name},`,
        `--transform=flags=rSh;s,^\\./,${name === "/" ? "" : `${name}/`},`,
      ]
    : [`--transform=flags=rSh;s,^.*$,${name},`];
  await runTar(
    ["-c", "-f", "-", "--numeric-owner", "--xattrs", "--sparse", ...rename, "-C", folder, "--", member],
    undefined,
    into,
  );
}

async function unpackInto(
  host: string,
  tar: Readable,
  { noOverwriteDirNonDir, copyUidGid }: { noOverwriteDirNonDir: boolean; copyUidGid: boolean },
): Promise<void> {
  const owner = copyUidGid ? statSync(host) : undefined;
  await runTar(
    [
      "-x",
      "-f",
      "-",
      "--numeric-owner",
      "--xattrs",
      "-p",
      ...(owner ? [`--owner=${owner.uid}`, `--group=${owner.gid}`] : ["--same-owner"]),
      ...(noOverwriteDirNonDir ? ["--no-overwrite-dir"] : ["--overwrite"]),
      "-C",
      host,
    ],
    tar,
    undefined,
  );
}

async function runTar(args: string[], input: Readable | undefined, output: PassThrough | undefined): Promise<void> {
  const child = spawn("tar", args, {
    stdio: [input ? "pipe" : "ignore", output ? "pipe" : "ignore", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" },
  });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4096)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const flows = [
    ...(input && child.stdin ? [pipeline(input, child.stdin)] : []),
    ...(output && child.stdout ? [pipeline(child.stdout, output)] : []),
  ];
  // A reader that goes away ends tar by its closed pipe.
  const [status, ...flowed] = await Promise.allSettled([ended, ...flows]);
  if (status?.status === "rejected")
    throw internal("the tar program could not be started: install tar", { cause: status.reason });
  if (status?.value !== 0) throw invalidArgument(`tar failed: ${said.trim() || `exit status ${status?.value}`}`);
  for (const flow of flowed) if (flow.status === "rejected") throw EngineError.from(flow.reason);
}
