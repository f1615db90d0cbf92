import type { Libc } from "@pouchcontainer/linux";
import type { TarEntry } from "../tar/tar-entry.ts";
import { FileAttributes } from "./file-attributes.ts";
import { JobFailure } from "./job-failure.ts";
import { cString, joinPath } from "./paths.ts";
import { readTree, type FoundEntry } from "./read-tree.ts";
import { TarOutput } from "./tar-output.ts";
import { isOpaque, MountedOver, namesIn, upper } from "./upper-layer.ts";

/** Marks of a layer: in front of the name of what is gone, and in a folder that hides the one below (OCI image spec, `layer.md`). */
const whiteoutPrefix = ".wh.";
const opaqueName = ".wh..wh..opq";

/** Marks of an overlay whose entry is not all there is: it goes on in a lower layer, by another name or without its content. */
const partialMarks = { folder: "trusted.overlay.redirect", file: "trusted.overlay.metacopy" } as const;

const slash = 0x2f;

/** Writes the overlay's upper layer to a descriptor as the tar of an image's layer. */
export function packLayer(libc: Libc, mountedOver: readonly string[], fd: number): undefined {
  const tar = new TarOutput(fd);
  const attributes = new FileAttributes(libc);
  const mounts = new MountedOver(mountedOver, attributes);
  for (const found of readTree(upper, Buffer.alloc(0), attributes, (name) => !mounts.hides(absolute(name)))) {
    const { entry } = found;
    const path = joinPath(upper, withoutSlash(entry.name));
    refuseWhatIsPartial(libc, found, path);
    if (entry.kind === "characterDevice" && entry.device.major === 0 && entry.device.minor === 0) {
      tar.add(mark(entry, whiteoutOf(entry.name)));
      continue;
    }
    if (nameOf(entry).startsWith(whiteoutPrefix)) throw misread(entry.name);
    if (entry.kind === "folder" && isOnlyPlaces(mounts, absolute(withoutSlash(entry.name)))) continue;
    tar.add(entry, found.fd);
    if (entry.kind === "folder" && isOpaque(libc, path)) tar.add(mark(entry, joinPath(entry.name, Buffer.from(opaqueName))));
  }
  tar.end();
}

const isOnlyPlaces = (mounts: MountedOver, folder: Buffer): boolean => mounts.isAllOf(folder, namesIn(upper, folder));

const absolute = (name: Buffer): Buffer => joinPath(Buffer.from("/"), name);

const withoutSlash = (name: Buffer): Buffer => (name.at(-1) === slash ? name.subarray(0, -1) : name);

const nameOf = ({ name }: TarEntry): string => {
  const plain = withoutSlash(name);
  return plain.toString("latin1", plain.lastIndexOf(slash) + 1);
};

function whiteoutOf(name: Buffer): Buffer {
  const at = name.lastIndexOf(slash) + 1;
  return Buffer.concat([name.subarray(0, at), Buffer.from(whiteoutPrefix), name.subarray(at)]);
}

/** An empty file whose name is what it says. */
function mark(entry: TarEntry, name: Buffer): TarEntry {
  return { ...entry, kind: "file", name, mode: 0o600, size: 0, device: { major: 0, minor: 0 }, attributes: new Map() };
}

/** As a layer it would be taken for the mark of something that is gone. */
const misread = (name: Buffer): JobFailure =>
  new JobFailure(
    "invalidArgument",
    `the file ${name.toString()} of the container cannot be in a layer, where names with ${whiteoutPrefix} in front say what is gone: give it another name`,
  );

function refuseWhatIsPartial(libc: Libc, { entry, fd }: FoundEntry, path: Buffer): void {
  const isPartial =
    entry.kind === "folder"
      ? libc.attempt("lgetxattr", cString(path), partialMarks.folder, null, 0n) > 0
      : fd !== undefined && libc.attempt("fgetxattr", fd, partialMarks.file, null, 0n) >= 0;
  if (!isPartial) return;
  throw new JobFailure(
    "notImplemented",
    `${entry.name.toString()} is in the container's layer in part only: layers of an overlay with redirect_dir or metacopy are not read`,
  );
}
