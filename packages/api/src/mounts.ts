import { Type, type Static } from "typebox";
import { flag, integer, list, map, optional, text, unsigned } from "./wire-types.ts";

/** Options of a bind mount. */
export const BindOptions = Type.Object({
  Propagation: optional(text("private, rprivate, shared, rshared, slave or rslave")),
  NonRecursive: optional(flag()),
  CreateMountpoint: optional(flag("Make the source folder when it does not exist")),
  ReadOnlyNonRecursive: optional(flag()),
  ReadOnlyForceRecursive: optional(flag()),
});
export type BindOptions = Static<typeof BindOptions>;

/** Driver of a volume and what it is told. */
export const VolumeDriverConfig = Type.Object({ Name: optional(text()), Options: optional(map(text())) });
export type VolumeDriverConfig = Static<typeof VolumeDriverConfig>;

/** Options of a volume mount. */
export const VolumeOptions = Type.Object({
  NoCopy: optional(flag("Do not fill an empty volume from the image")),
  Labels: optional(map(text())),
  DriverConfig: optional(VolumeDriverConfig),
  Subpath: optional(text("Path inside the volume to mount")),
});
export type VolumeOptions = Static<typeof VolumeOptions>;

/** Options of an image mount. */
export const ImageMountOptions = Type.Object({ Subpath: optional(text()) });
export type ImageMountOptions = Static<typeof ImageMountOptions>;

/** Options of a tmpfs mount. */
export const TmpfsOptions = Type.Object({
  SizeBytes: optional(integer()),
  Mode: optional(unsigned("Permission bits, as a number")),
  Options: optional(list(list(text()), "Mount options, each a list of one or two words")),
});
export type TmpfsOptions = Static<typeof TmpfsOptions>;

/** One entry of `HostConfig.Mounts`. */
export const Mount = Type.Object({
  Type: optional(text("bind, volume or tmpfs")),
  Source: optional(text("Path on the host, or the volume's or image's name")),
  Target: optional(text("Path in the container")),
  ReadOnly: optional(flag()),
  Consistency: optional(text()),
  BindOptions: optional(BindOptions),
  VolumeOptions: optional(VolumeOptions),
  ImageOptions: optional(ImageMountOptions),
  TmpfsOptions: optional(TmpfsOptions),
  ClusterOptions: optional(Type.Object({})),
});
export type Mount = Static<typeof Mount>;

/** A mount as inspect and list show it. */
export const MountPoint = Type.Object({
  Type: optional(text()),
  Name: optional(text("Name of the volume")),
  Source: text(),
  Destination: text(),
  Driver: optional(text()),
  Mode: text(),
  RW: flag(),
  Propagation: text(),
});
export type MountPoint = Static<typeof MountPoint>;
