import type { Libc } from "@pouchcontainer/linux";
import type { Change, FileJob, FileJobs, PathStat, UnpackOptions } from "../file-jobs.ts";
import { TarReader } from "../tar/tar-reader.ts";
import { copyFolder } from "./copy-folder.ts";
import { copySources } from "./copy-sources.ts";
import { drain } from "./drain.ts";
import { FileAttributes } from "./file-attributes.ts";
import { describeFailure, JobFailure } from "./job-failure.ts";
import { layerChanges } from "./layer-changes.ts";
import { makePlaces } from "./make-places.ts";
import { packLayer } from "./pack-layer.ts";
import { namesOf } from "./paths.ts";
import { PipeSource } from "./pipe-source.ts";
import { placeCopy } from "./place-copy.ts";
import { readTree } from "./read-tree.ts";
import { removeIgnored } from "./remove-ignored.ts";
import { resolvePath } from "./resolve-path.ts";
import { sendFile } from "./send-file.ts";
import { lstat, namedPath, statPath } from "./stat-path.ts";
import { TarOutput } from "./tar-output.ts";
import { treeSize } from "./tree-size.ts";
import { writeChanges } from "./write-changes.ts";
import { TreeWriter } from "./write-tree.ts";

const input = 0;
const output = 1;

/** Does a job in the root that was entered; returns its answer. */
export function doJob(
  libc: Libc,
  job: FileJob,
  tellHead: (head: PathStat | number | true) => void,
): FileJobs[FileJob["job"]]["answer"] {
  switch (job.job) {
    case "stat":
      return statPath(namedPath(bytesOf(job.pathBase64)));
    case "pack":
      return pack(libc, bytesOf(job.pathBase64), tellHead);
    case "export":
      tellHead(true);
      return packTree(libc, Buffer.from("/"), Buffer.alloc(0));
    case "layer":
      tellHead(true);
      return packLayer(libc, job.mountedOver, output);
    case "unpack":
      return unpack(libc, bytesOf(job.pathBase64), job.options, tellHead);
    case "changes":
      return tellChanges(layerChanges(libc, job.mountedOver), tellHead);
    case "copyUp":
      return copyFolder(libc, job.from);
    case "makePlaces":
      return makePlaces(job);
    case "sizes":
      return job.places.map((place) => treeSize(Buffer.from(place)));
    case "send":
      return sendFile(bytesOf(job.pathBase64), output, tellHead);
    case "copySources":
      return copySources(libc, job);
    case "placeCopy":
      return placeCopy(libc, job.placement, input, () => tellHead(true));
    case "removeIgnored":
      return removeIgnored(libc, job.lines);
    case "hold":
      tellHead(true);
      return drain(new PipeSource(input));
    default:
      return job satisfies never;
  }
}

const bytesOf = (base64: string): Buffer => Buffer.from(base64, "base64");

/** Entries begin with the last name of what was asked: a folder's as well, wherever links led. */
function pack(libc: Libc, path: Buffer, tellHead: (head: PathStat) => void): undefined {
  const named = namedPath(path);
  tellHead(statPath(named));
  return packTree(libc, named.resolved, named.name);
}

function tellChanges(changes: readonly Change[], tellHead: (count: number) => void): undefined {
  tellHead(changes.length);
  writeChanges(changes, output);
}

function packTree(libc: Libc, path: Buffer, name: Buffer): undefined {
  const tar = new TarOutput(output);
  for (const { entry, fd } of readTree(path, name, new FileAttributes(libc))) tar.add(entry, fd);
  tar.end();
}

function unpack(libc: Libc, path: Buffer, options: UnpackOptions, tellHead: (head: true) => void): undefined {
  const named = namedPath(Buffer.concat([path, Buffer.from("/")]));
  const base = resolvePath(named.asked);
  if (!lstat({ ...named, resolved: base }).isDirectory())
    throw new JobFailure("invalidArgument", "extraction point is not a directory");
  refuseReadOnly(base, options);
  tellHead(true);
  try {
    putAll(libc, base, options);
  } catch (error) {
    const { kind, message } = describeFailure(error);
    throw new JobFailure(kind, `Error processing tar file(exit status 1): ${message}`);
  }
}

function putAll(libc: Libc, base: Buffer, options: UnpackOptions): void {
  const source = new PipeSource(input);
  const reader = new TarReader(source);
  const writer = new TreeWriter(libc, new FileAttributes(libc), base, options);
  for (let entry = reader.next(); entry !== undefined; entry = reader.next()) writer.put(entry, () => reader.content());
  writer.finish();
  drain(source);
}

function refuseReadOnly(base: Buffer, { mounts, readOnlyRoot }: UnpackOptions): void {
  const names = namesOf(base);
  const isAbove = (place: string): boolean => namesOf(Buffer.from(place)).every((name, index) => names[index]?.equals(name));
  const mount = mounts
    .filter(({ destination }) => isAbove(destination))
    .toSorted((a, b) => b.destination.length - a.destination.length)[0];
  if (mount && !mount.writable) throw new JobFailure("invalidArgument", "mounted volume is marked read-only");
  if (!mount && readOnlyRoot) throw new JobFailure("invalidArgument", "container rootfs is marked read-only");
}
