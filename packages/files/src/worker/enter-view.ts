import { makeFoldersSync } from "@pouchcontainer/owners";
import { linux, type Libc } from "@pouchcontainer/linux";
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import type { AssembledView, Bind, FileView, MountSource, ProcessView } from "../file-jobs.ts";
import { codeOf, JobFailure } from "./job-failure.ts";
import { parseMountOptions, shortenedOverlay } from "./mount-options.ts";
import { parseMountInfo, type MountedPlace } from "./mounted-places.ts";
import { absolutePath, cString, namesOf } from "./paths.ts";
import { resolvePath } from "./resolve-path.ts";

/**
 * Makes the view the root of this process, for good. Afterwards no path leads out of it: the root is the view's, no descriptor
 * of a folder outside is open, and there is no procfs below it, whose links lead out of any root. Devices in it cannot be
 * opened. All mounts are in a mount namespace of this process alone: nobody sees them, and they end with it.
 *
 * `folder` is an empty one to mount on. Only the calling thread changes its root: work on files has to be synchronous from here on, not the thread pool's.
 */
export function enterView(libc: Libc, view: FileView, folder: string): void {
  const proc = openFolder("/proc");
  try {
    if (view.kind === "process") enterProcess(libc, view);
    else enterAssembled(libc, view, folder);
    setOnMounts(libc, linux.AT_FDCWD, cString(Buffer.from("/")), linux.AT_RECURSIVE, linux.MOUNT_ATTR_NODEV);
    for (const { place } of unwanted(mountedPlaces(libc, proc), view)) detach(libc, place);
  } finally {
    closeSync(proc);
  }
}

const openFolder = (path: string): number => openSync(path, linux.O_PATH | constants.O_DIRECTORY);

/**
 * The process's mounts, copied. What was opened below /proc/PID belongs to that one process: nothing can be read through it
 * once that has ended, whoever has its number then.
 */
function enterProcess(libc: Libc, { pid, containerId }: ProcessView): void {
  const opened: number[] = [];
  const open = (path: string, flags: number): number => {
    const fd = openSync(path, flags);
    opened.push(fd);
    return fd;
  };
  try {
    const own = `/proc/self/fd/${open(`/proc/${pid}`, linux.O_PATH | constants.O_DIRECTORY)}`;
    if (!readFileSync(`${own}/cgroup`, "utf8").includes(containerId)) throw gone();
    const mounts = open(`${own}/ns/mnt`, constants.O_RDONLY);
    const root = open(`${own}/root`, linux.O_PATH | constants.O_DIRECTORY);
    // A namespace of mounts can be entered only by who shares its root and working directory with nobody.
    libc.call("unshare", linux.CLONE_FS);
    libc.call("setns", mounts, linux.CLONE_NEWNS);
    libc.call("fchdir", root);
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes(codeOf(error) ?? "")) throw gone();
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
  libc.call("chroot", ".");
  libc.call("unshare", linux.CLONE_NEWNS);
  libc.call("mount", null, "/", null, linux.MS_REC | linux.MS_PRIVATE, null);
}

const gone = (): JobFailure => new JobFailure("gone", "the container's process has ended");

function enterAssembled(libc: Libc, { parts, binds }: AssembledView, folder: string): void {
  libc.call("unshare", linux.CLONE_NEWNS);
  // What the host takes down meanwhile goes here, too, and nothing goes the other way.
  libc.call("mount", null, "/", null, linux.MS_REC | linux.MS_SLAVE, null);
  const sources = binds.flatMap((bind) => {
    const fd = clonedMount(libc, bind);
    return fd === undefined ? [] : [{ bind, fd }];
  });
  const [only] = parts;
  if (parts.length !== 1 || only?.place !== "/") libc.call("mount", "tmpfs", folder, "tmpfs", 0n, "mode=700");
  for (const { place, mounts, readOnly = false } of parts) {
    const target = `${folder}${place}`;
    makeFoldersSync(target);
    for (const mount of mounts) mountAt(libc, mount, target);
    if (readOnly && mounts.length > 0)
      setOnMounts(libc, linux.AT_FDCWD, cString(Buffer.from(target)), linux.AT_RECURSIVE, linux.MOUNT_ATTR_RDONLY);
  }
  process.chdir(folder);
  libc.call("chroot", ".");
  process.chdir("/");
  for (const { bind, fd } of sources) {
    attach(libc, fd, bind);
    closeSync(fd);
  }
}

function mountAt(libc: Libc, { type, source, options }: MountSource, target: string): void {
  const { directory, options: words } = type === "overlay" ? shortenedOverlay(options) : { directory: "/", options };
  const { flags, data } = parseMountOptions(words);
  const bits = type === "bind" ? flags | linux.MS_BIND : flags;
  process.chdir(directory);
  libc.call("mount", source, target, type, bits, data === "" ? null : data);
  process.chdir("/");
  // The kernel takes a bind's own flags only once it is there.
  if (type === "bind" && bits & linux.MS_RDONLY)
    setOnMounts(libc, linux.AT_FDCWD, cString(Buffer.from(target)), linux.AT_RECURSIVE, linux.MOUNT_ATTR_RDONLY);
}

/** The source with what is mounted in it, not yet anywhere; undefined when there is none. */
function clonedMount(libc: Libc, { source, readOnly }: Bind): number | undefined {
  let fd: number;
  try {
    fd = libc.call("open_tree", linux.AT_FDCWD, source, linux.OPEN_TREE_CLONE | linux.OPEN_TREE_CLOEXEC | linux.AT_RECURSIVE);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  if (readOnly) setOnMounts(libc, fd, "", linux.AT_RECURSIVE | linux.AT_EMPTY_PATH, linux.MOUNT_ATTR_RDONLY);
  return fd;
}

/** Mounts it where the destination leads in the root, which is the process's by now. A place that is missing is made, as a start would. */
function attach(libc: Libc, fd: number, { destination }: Bind): void {
  const place = resolvePath(Buffer.from(destination));
  const isFolder = fstatSync(fd).isDirectory();
  const names = namesOf(place);
  makeFoldersSync(absolutePath(isFolder ? names : names.slice(0, -1)), 0o755);
  if (!isFolder) writeFileSync(place, "", { flag: "a" });
  try {
    libc.call("move_mount", fd, "", linux.AT_FDCWD, cString(place), linux.MOVE_MOUNT_F_EMPTY_PATH);
  } catch (error) {
    // Linux 6.16 and later mount nothing that was removed since it was opened: a source that is missing now.
    if (codeOf(error) !== "ENOENT" || fstatSync(fd).nlink > 0) throw error;
  }
}

/** `struct mount_attr`: what to set, what to clear, the propagation, a user namespace. */
function setOnMounts(libc: Libc, folder: number, path: string | Buffer, flags: number, attributes: bigint): void {
  const request = Buffer.alloc(32);
  request.writeBigUInt64LE(attributes, 0);
  libc.call("mount_setattr", folder, path, flags, request, BigInt(request.length));
}

function mountedPlaces(libc: Libc, proc: number): MountedPlace[] {
  const fd = libc.call("openat", proc, "self/mountinfo", constants.O_RDONLY);
  try {
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk = Buffer.alloc(64 * 1024);
      const count = readSync(fd, chunk);
      if (count === 0) return parseMountInfo(Buffer.concat(chunks));
      chunks.push(chunk.subarray(0, count));
    }
  } finally {
    closeSync(fd);
  }
}

/** What the kernel shows a running process there is no part of its files. */
const kernelPlaces = ["/proc", "/sys", "/dev"].map((place) => Buffer.from(place));

/** Mounts that must not be there, the latest first. */
function unwanted(mounted: readonly MountedPlace[], view: FileView): MountedPlace[] {
  const isRoot = (place: Buffer): boolean => place.length === 1;
  const isKernels = (place: Buffer): boolean =>
    view.kind === "process" && (view.layersOnly || kernelPlaces.some((known) => isAtOrBelow(place, known)));
  return mounted.filter(({ place, fileSystem }) => !isRoot(place) && (fileSystem === "proc" || isKernels(place))).reverse();
}

const isAtOrBelow = (place: Buffer, folder: Buffer): boolean =>
  place.subarray(0, folder.length).equals(folder) && (place.length === folder.length || place[folder.length] === 0x2f);

/** With everything mounted in it; one that went with another is gone already. */
function detach(libc: Libc, place: Buffer): void {
  try {
    libc.call("umount2", cString(place), linux.MNT_DETACH | linux.UMOUNT_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) !== "EINVAL" && codeOf(error) !== "ENOENT") throw error;
  }
}
