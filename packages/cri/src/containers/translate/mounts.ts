import type { CriMount, ImageVolume } from "@pouchcontainer/engine";
import { invalidArgument } from "@pouchcontainer/errors";
import { posix } from "node:path";
import { MountPropagation, type Mount } from "../../gen/runtime_v1_pb.ts";
import type { CreateBody } from "../containers-deps.ts";

type BodyMount = NonNullable<NonNullable<NonNullable<CreateBody["HostConfig"]>["Mounts"]>[number]>;

export interface TranslatedMounts {
  mounts: BodyMount[];
  imageVolumes: ImageVolume[];
  /** To be told again. */
  kept: CriMount[];
}

/** Files of the host and of images that a container is to see. Of several at one path the last is seen, as over containerd; all are told. */
export function translateMounts(mounts: readonly Mount[]): TranslatedMounts {
  for (const mount of mounts) refuseUnsupported(mount);
  const seen = [...new Map(mounts.map((mount) => [destinationOf(mount), mount])).values()];
  return {
    mounts: seen.filter((mount) => !isOfImage(mount)).map(bindMount),
    imageVolumes: seen.filter(isOfImage).map(imageVolume),
    kept: mounts.map(keptMount),
  };
}

const isOfImage = ({ image, hostPath }: Mount): boolean => hostPath === "" && (image?.image ?? "") !== "";

/** Relative ones are meant from the root, as containerd takes them. */
const destinationOf = ({ containerPath }: Mount): string => posix.resolve("/", containerPath);

function refuseUnsupported(mount: Mount): void {
  const { containerPath, hostPath, image, uidMappings, gidMappings, mountOptions, recursiveReadOnly, readonly, propagation } =
    mount;
  const refuse = (text: string): never => {
    throw invalidArgument(`mount ${containerPath}: ${text}`);
  };
  if (containerPath === "") refuse("a container_path is needed");
  if (hostPath === "" && !image?.image) refuse("a host_path or an image is needed");
  if (hostPath !== "" && image?.image) refuse("host_path and image exclude each other");
  if (uidMappings.length > 0 || gidMappings.length > 0) refuse("mapped ids need user namespaces, which are not supported");
  if (mountOptions.length > 0) refuse("mount_options are not supported");
  if (!recursiveReadOnly) return;
  if (!readonly) refuse("recursive_read_only needs readonly");
  if (propagation !== MountPropagation.PROPAGATION_PRIVATE) refuse("recursive_read_only needs private propagation");
}

function imageVolume(mount: Mount): ImageVolume {
  const { image, imageSubPath } = mount;
  return { image: image?.image ?? "", destination: destinationOf(mount), ...(imageSubPath !== "" && { subPath: imageSubPath }) };
}

/** Private is what CRI's clients send who ask for nothing: it is left to the engine, which cannot give it of every path. */
const propagations: Record<MountPropagation, { docker?: string; kept: CriMount["propagation"] }> = {
  [MountPropagation.PROPAGATION_PRIVATE]: { kept: "private" },
  [MountPropagation.PROPAGATION_HOST_TO_CONTAINER]: { docker: "rslave", kept: "hostToContainer" },
  [MountPropagation.PROPAGATION_BIDIRECTIONAL]: { docker: "rshared", kept: "bidirectional" },
};

/** A number CRI may add is no propagation we know; it is private, as containerd takes it. */
const propagationOf = ({ propagation }: Mount): (typeof propagations)[MountPropagation] =>
  propagations[propagation] ?? propagations[MountPropagation.PROPAGATION_PRIVATE];

/** Read-only is meant of the one mount (in Docker of all below it too), and a source that is missing is made. */
function bindMount(mount: Mount): BodyMount {
  const { docker: propagation } = propagationOf(mount);
  return {
    Type: "bind",
    Source: mount.hostPath,
    Target: destinationOf(mount),
    ...(mount.readonly && { ReadOnly: true }),
    BindOptions: {
      ...(propagation !== undefined && { Propagation: propagation }),
      CreateMountpoint: true,
      ...(mount.readonly && (mount.recursiveReadOnly ? { ReadOnlyForceRecursive: true } : { ReadOnlyNonRecursive: true })),
    },
  };
}

function keptMount(mount: Mount): CriMount {
  const { containerPath, hostPath, readonly, recursiveReadOnly, selinuxRelabel, image, imageSubPath } = mount;
  return {
    containerPath,
    hostPath,
    readonly,
    recursiveReadOnly,
    selinuxRelabel,
    propagation: propagationOf(mount).kept,
    ...(image?.image && { image: image.image }),
    ...(imageSubPath !== "" && { imageSubPath }),
  };
}
