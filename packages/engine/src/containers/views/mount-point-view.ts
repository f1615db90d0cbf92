import type { MountPoint } from "@pouchcontainer/api";
import type { MountPointRecord } from "../container-record.ts";

/** A mount as inspect and list show it, fields in Docker's order. */
export function mountPointView(mount: MountPointRecord): MountPoint {
  return {
    Type: mount.type,
    ...(mount.name === undefined ? {} : { Name: mount.name }),
    Source: mount.source,
    Destination: mount.destination,
    ...(mount.driver === undefined ? {} : { Driver: mount.driver }),
    Mode: mount.mode,
    RW: mount.rw,
    Propagation: mount.propagation,
  };
}
