import type { Mount } from "@pouchcontainer/containerd";
import type { FileView } from "@pouchcontainer/files";
import { makeFolders, runProgram } from "@pouchcontainer/owners";
import { join } from "node:path";
import type { Container } from "./container.ts";
import type { ContainerDeps } from "./container-deps.ts";
import { rootfsReader, type RootfsReader } from "./spec/index.ts";

/** Directories whose stack is the file system behind these mounts, or undefined when only the kernel can tell. */
export function layersOf(mounts: readonly Mount[]): string[] | undefined {
  const [mount, ...more] = mounts;
  if (!mount || more.length > 0) return undefined;
  if (mount.type === "bind") return [mount.source];
  if (mount.type !== "overlay") return undefined;
  const option = (name: string): string | undefined =>
    mount.options.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  const upper = option("upperdir");
  const lower = option("lowerdir");
  return lower === undefined ? undefined : [...(upper === undefined ? [] : [upper]), ...lower.split(":")];
}

/** What the container's own files are mounted of. */
export async function mountsOf(
  { containerd }: Pick<ContainerDeps, "containerd">,
  container: Container,
): Promise<readonly Mount[]> {
  const { run, record } = container;
  if (run?.mounts) return run.mounts;
  const mounts = await containerd.snapshots(record.snapshotter).mounts(container.id);
  if (run) run.mounts = mounts;
  return mounts;
}

/** Lies in every container's root since it was created: programs look for it to know that they run in a container. */
export const containerMark = ".dockerenv";

/** Runs `use` with a reader over the container's layers; a file worker has to look at them when they cannot be read directly. */
export async function withRootfsReader<T>(
  deps: Pick<ContainerDeps, "files" | "isOpaqueDirectory">,
  container: Container,
  mounts: readonly Mount[],
  use: (rootfs: RootfsReader) => T | Promise<T>,
): Promise<T> {
  const layers = layersOf(mounts);
  // Without a look at overlayfs' marks only a single layer can be read as the container sees it.
  if (layers && (layers.length === 1 || deps.isOpaqueDirectory)) return use(rootfsReader(layers, deps.isOpaqueDirectory));
  // A snapshot that is in use is not mounted a second time.
  const view: FileView = container.isRunning
    ? { kind: "process", pid: container.state.pid, containerId: container.id, layersOnly: true }
    : { kind: "assembled", parts: [{ place: "/", mounts }], binds: [] };
  return deps.files.hold(view, (path) => use(rootfsReader(path)));
}

/** Where the `/dev/shm` is that other containers may join. */
export const sharedMemoryPath = (container: Container): string => join(container.execDirectory, "shm");

/** Mounts a fresh tmpfs, for a shared `/dev/shm`. */
export async function mountSharedMemory(place: string, sizeBytes: number): Promise<void> {
  await makeFolders(place, 0o700);
  await runProgram("mount", ["-t", "tmpfs", "-o", `mode=1777,nosuid,noexec,nodev,size=${sizeBytes}`, "shm", place]);
}

/** Lazily when something still uses it: nobody finds it afterwards either way. */
export async function unmount(place: string): Promise<void> {
  try {
    await runProgram("umount", [place]);
  } catch {
    await runProgram("umount", ["-l", place]);
  }
}
