import type { Mount } from "@pouchcontainer/containerd";
import { runProgram } from "@pouchcontainer/owners";
import { mkdtemp, mkdir, rmdir } from "node:fs/promises";
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

/** Runs `use` with a reader over the container's files; mounts them only when their layers cannot be read directly. */
export async function withRootfsReader<T>(
  deps: Pick<ContainerDeps, "containerd" | "isOpaqueDirectory">,
  container: Container,
  mounts: readonly Mount[],
  use: (rootfs: RootfsReader) => T | Promise<T>,
): Promise<T> {
  const layers = layersOf(mounts);
  // Without a look at overlayfs' marks only a single layer can be read as the container sees it.
  if (layers && (layers.length === 1 || deps.isOpaqueDirectory)) return use(rootfsReader(layers, deps.isOpaqueDirectory));
  return withMountedSnapshot(deps, container, (path) => use(rootfsReader(path)), mounts);
}

/** Mounts the container's snapshot in a place of its own while `use` works; always taken down afterwards. */
export async function withMountedSnapshot<T>(
  deps: Pick<ContainerDeps, "containerd">,
  container: Container,
  use: (path: string) => Promise<T> | T,
  known?: readonly Mount[],
): Promise<T> {
  const mounts = known ?? (await deps.containerd.snapshots(container.record.snapshotter).mounts(container.id));
  await mkdir(container.execDirectory, { recursive: true, mode: 0o710 });
  const place = await mkdtemp(join(container.execDirectory, "rootfs-"));
  let mounted = 0;
  try {
    for (const mount of mounts) {
      await mountAt(mount, place);
      mounted++;
    }
    return await use(place);
  } finally {
    for (; mounted > 0; mounted--) await unmount(place);
    await rmdir(place);
  }
}

async function mountAt({ type, source, options }: Mount, place: string): Promise<void> {
  const kind = type === "bind" ? ["--bind"] : ["-t", type];
  const words = options.filter((option) => option !== "rbind" && option !== "bind");
  await runProgram("mount", [...kind, ...(words.length > 0 ? ["-o", words.join(",")] : []), source, place]);
}

/** Where the `/dev/shm` is that other containers may join. */
export const sharedMemoryPath = (container: Container): string => join(container.execDirectory, "shm");

/** Mounts a fresh tmpfs, for a shared `/dev/shm`. */
export async function mountSharedMemory(place: string, sizeBytes: number): Promise<void> {
  await mkdir(place, { recursive: true, mode: 0o700 });
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
