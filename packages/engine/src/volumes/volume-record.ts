import type { Volume } from "@pouchcontainer/api";

/** What the store keeps of a volume. */
export interface VolumeRecord {
  name: string;
  driver: string;
  /** As given at create; null when nothing was given, which Docker tells apart from an empty object. */
  options: Record<string, string> | null;
  labels: Record<string, string> | null;
  /** RFC 3339. */
  created: string;
  /** Its removal has begun: whoever finds it unfinished finishes it. */
  removal?: true;
}

/** Marks a volume nobody named; `volume prune` takes these only, unless told otherwise. */
export const anonymousLabel = "com.docker.volume.anonymous";

/** The volume as the API shows it. */
export function volumeView(record: VolumeRecord, mountpoint: string): Volume {
  return {
    CreatedAt: record.created,
    Driver: record.driver,
    Labels: record.labels,
    Mountpoint: mountpoint,
    Name: record.name,
    Options: record.options,
    Scope: "local",
  };
}
