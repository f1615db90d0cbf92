import { Type, type Static } from "typebox";
import { integer, list, map, nullable, optional, text } from "./wire-types.ts";

/** Body of a volume create; what the plugin point `volume.preVolumeCreate` sees. */
export const VolumeCreateConfig = Type.Object({
  Name: optional(text("Empty makes one up")),
  Driver: optional(text()),
  DriverOpts: optional(map(text())),
  Labels: optional(map(text())),
});
export type VolumeCreateConfig = Static<typeof VolumeCreateConfig>;

/** Everything about one volume. */
export const Volume = Type.Object({
  CreatedAt: optional(text("RFC 3339")),
  Driver: text(),
  Labels: nullable(map(text())),
  Mountpoint: text(),
  Name: text(),
  Options: nullable(map(text())),
  Scope: text("local or global"),
  Status: optional(map(Type.Unknown())),
  UsageData: optional(Type.Object({ RefCount: integer(), Size: integer("Bytes; -1 is unknown") })),
});
export type Volume = Static<typeof Volume>;

/** Answer to a list of volumes. */
export const VolumeListResponse = Type.Object({ Volumes: list(Volume), Warnings: nullable(list(text())) });
export type VolumeListResponse = Static<typeof VolumeListResponse>;

/** What a prune of volumes removed. */
export const VolumePruneResponse = Type.Object({ VolumesDeleted: nullable(list(text())), SpaceReclaimed: integer("Bytes") });
export type VolumePruneResponse = Static<typeof VolumePruneResponse>;
