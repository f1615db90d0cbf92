import type { ErrorKind } from "@pouchcontainer/errors";

/**
 * What a file worker is asked, and what it answers: one line of JSON each way. Content travels beside it, over the worker's
 * standard input and output.
 */

/** A mount as containerd describes it. */
export interface MountSource {
  type: string;
  source: string;
  options: readonly string[];
}

/** A folder or file of the host that a container has at `destination`. */
export interface Bind {
  source: string;
  destination: string;
  readOnly: boolean;
}

/** The files of a running container, as its own first process sees them but for what the kernel makes up there. */
export interface ProcessView {
  kind: "process";
  pid: number;
  /** In the process's control group: a process that came by the same number later does not have it. */
  containerId: string;
  /** Without anything mounted in it: what the container's own layers have. */
  layersOnly: boolean;
}

/** Files put together by mounts that only the worker sees, each part at a folder of an empty root, or one part as the root itself. */
export interface AssembledView {
  kind: "assembled";
  parts: readonly { place: string; mounts: readonly MountSource[]; readOnly?: boolean }[];
  /** Mounted after the parts, their places looked up (and made) in the root. One whose source is missing is left out. */
  binds: readonly Bind[];
}

export type FileView = ProcessView | AssembledView;

/** Text, or bytes where a name is none. */
export type FilePath = string | Buffer;

/** What a path is. */
export interface PathStat {
  name: string;
  size: number;
  /** Go's `fs.FileMode`. */
  mode: number;
  /** Since 1970, a decimal number: JSON has none this big. */
  modifiedNanoseconds: string;
  /** Of a link: what it leads to below the root. */
  linkTarget: string;
}

export interface UnpackOptions {
  /** Refuse to put a folder where a file is and the other way round. */
  noOverwriteDirNonDir: boolean;
  /** Everything gets this owner instead of the archive's. */
  owner?: { uid: number; gid: number };
  /** The root is not to be written. */
  readOnlyRoot: boolean;
  /** Places below which this is decided anew. */
  mounts: readonly { destination: string; writable: boolean }[];
}

/** What is to stand at some paths, whatever stood there before but folders. */
export interface Places {
  folders: readonly string[];
  /** Made empty. */
  files: readonly string[];
  /** Folders that are made where links of the path lead, those stay. */
  throughLinks: readonly string[];
}

/** What a path of a `COPY` names. */
export interface CopySource {
  /** Where it is, links followed. */
  pathBase64: string;
  /** The last name of what was asked for, which it has in a folder that it is copied into. */
  nameBase64: string;
  isFolder: boolean;
  /** Whether it begins as an archive, compressed or not. */
  mayBeArchive: boolean;
  /** Of all that would be copied but times, in hexadecimal digits. */
  digest: string;
}

/** Where a copy goes. */
export interface Placement {
  /** An absolute path. Links in it are followed; with a slash at its end it is a folder. */
  path: string;
  /** What the tar has: one file; what is in a folder; or what is to be unpacked. */
  source: { kind: "file"; nameBase64: string } | { kind: "folder" } | { kind: "archive" };
  /** Whose everything is, folders that are made for it as well; default: whose it was, and root's. */
  owner?: { uid: number; gid: number };
  /** Of files and folders, instead of their own. */
  mode?: number;
}

/** As Docker writes it; `Kind`: 0 modified, 1 added, 2 deleted. */
export interface Change {
  Path: string;
  Kind: 0 | 1 | 2;
}

/** Every kind of job: what it is asked besides the view, what it tells before its content flows, and what at its end. */
export interface FileJobs {
  stat: { ask: { pathBase64: string }; head: undefined; answer: PathStat };
  /** Writes a tar of the path, named after it, to standard output. */
  pack: { ask: { pathBase64: string }; head: PathStat; answer: undefined };
  /** Writes a tar of all there is to standard output. */
  export: { ask: object; head: true; answer: undefined };
  /**
   * Writes the part `/upper`, an overlay's upper layer on that of `/lower`, to standard output as the tar of an image's layer (OCI image
   * spec, `layer.md`); what is there only to be mounted over is left out.
   */
  layer: { ask: { mountedOver: readonly string[] }; head: true; answer: undefined };
  /** Puts the plain tar on standard input below the path. */
  unpack: { ask: { pathBase64: string; options: UnpackOptions }; head: true; answer: undefined };
  /**
   * Writes what the part `/upper` changes of the part `/lower` to standard output, a JSON list of `Change`; what is there only to be
   * mounted over is left out. Its head says how many there are.
   */
  changes: { ask: { mountedOver: readonly string[] }; head: number; answer: undefined };
  /** Copies a folder of the part `/source` into the part `/target` where that is empty; tells whether it did. */
  copyUp: { ask: { from: string }; head: undefined; answer: boolean };
  /** Makes places for the runtime's mounts. */
  makePlaces: { ask: Places; head: undefined; answer: undefined };
  /** Bytes of the files at and below each place, hard links counted once; 0 for what is not there. */
  sizes: { ask: { places: readonly string[] }; head: undefined; answer: number[] };
  /** Writes a file's content to standard output; its head is how long that is. */
  send: { ask: { pathBase64: string }; head: number; answer: undefined };
  /** What paths name, patterns as Go's `filepath.Match` has them among them. */
  copySources: { ask: { paths: readonly string[]; owners: boolean }; head: undefined; answer: CopySource[] };
  /** Puts the plain tar on standard input where a copy goes. */
  placeCopy: { ask: { placement: Placement }; head: true; answer: undefined };
  /** Removes what a `.dockerignore` of these lines leaves out. */
  removeIgnored: { ask: { lines: readonly string[] }; head: undefined; answer: undefined };
  /** Keeps the view until standard input ends; its root is the worker's own. */
  hold: { ask: object; head: true; answer: undefined };
}

export type FileJobName = keyof FileJobs;

/** One job on its way to the worker. */
export type FileJob = { [N in FileJobName]: { job: N; view: FileView } & FileJobs[N]["ask"] }[FileJobName];

/** Why a job failed. `gone`: the process of a running container is not there any more. */
export interface FileFailure {
  kind: ErrorKind | "gone";
  message: string;
  /** Where a defect of the worker is. */
  stack?: string;
}

/** What a worker says on its channel; first that it is up. */
export type FileMessage = { up: true } | { head: unknown } | { answer: unknown } | { failure: FileFailure };
