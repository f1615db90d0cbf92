import type { Mount } from "@pouchcontainer/containerd";
import type { FileView } from "@pouchcontainer/files";
import type { Container } from "./container.ts";
import type { ContainerDeps } from "./container-deps.ts";
import { withRootfsReader } from "./rootfs.ts";
import type { FileKind } from "./spec/index.ts";

/**
 * What the runtime mounts over in every container, and by what it must find there: dockerd's list, as far as it lies in the root
 * file system. Where something else stands, dockerd puts these in its place, in a layer between image and container.
 */
const mountPoints = [
  ["/proc", "folder"],
  ["/sys", "folder"],
  ["/dev", "folder"],
  ["/etc/resolv.conf", "file"],
  ["/etc/hosts", "file"],
  ["/etc/hostname", "file"],
] as const;

type MountPoint = (typeof mountPoints)[number];

/**
 * Makes sure that the runtime mounts over folders and files, never over links. runc makes the links of a `/dev` (`fd`, `stdin`,
 * `ptmx`…) by a path it does not resolve below the root, so that with a `/dev` that is a link they came into the host's folder.
 * Images have such links, and so has a container whose files were changed while it did not run. Nothing of it runs meanwhile.
 */
export async function prepareMountPoints(
  deps: Pick<ContainerDeps, "files" | "isOpaqueDirectory">,
  container: Container,
  mounts: readonly Mount[],
): Promise<void> {
  const workingDir = container.record.config.WorkingDir ?? "";
  const wrong = await withRootfsReader(deps, container, mounts, (rootfs) => {
    const kinds = rootfs.kinds([...mountPoints.map(([path]) => path), workingDir].flatMap(prefixes));
    // The runtime makes folders that are missing, but none that a link names.
    const throughLinks = prefixes(workingDir).some((path) => kinds.get(path) === "link");
    return {
      points: mountPoints.filter((point) => !isPrepared(kinds, point)),
      workingDir: throughLinks && rootfs.resolve(workingDir) === undefined,
    };
  });
  if (wrong.points.length === 0 && !wrong.workingDir) return;
  const view: FileView = { kind: "assembled", parts: [{ place: "/", mounts }], binds: [] };
  await deps.files.makePlaces(view, {
    folders: placesOf(wrong.points, "folder"),
    files: placesOf(wrong.points, "file"),
    throughLinks: wrong.workingDir ? [workingDir] : [],
  });
}

const placesOf = (points: readonly MountPoint[], wanted: MountPoint[1]): string[] =>
  points.flatMap(([path, kind]) => (kind === wanted ? [path] : []));

/** Whether the right thing stands there, or nothing: the runtime makes what is missing. */
function isPrepared(kinds: ReadonlyMap<string, FileKind>, [path, kind]: MountPoint): boolean {
  return prefixes(path).every((prefix) => {
    const found = kinds.get(prefix) ?? "folder";
    // A folder in the place of a file stays, as with dockerd: the runtime says that it cannot be mounted over.
    return found === "folder" || (prefix === path && found === kind);
  });
}

/** `/a`, `/a/b`… */
function prefixes(path: string): string[] {
  const names = path.split("/").filter(Boolean);
  return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}
