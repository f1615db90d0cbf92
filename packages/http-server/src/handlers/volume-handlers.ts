import { endpoints } from "@pouchcontainer/api";
import { isBelow } from "../api-version.ts";
import type { VolumeBackend } from "../backend.ts";
import type { Calls } from "../call.ts";
import { refOf } from "./ref.ts";

/** Volumes. */
export function volumeHandlers(calls: Calls, volumes: VolumeBackend) {
  return {
    VolumeList: calls.answer(endpoints.VolumeList, ({ query }) => volumes.list(query.filters ?? {})),
    VolumeCreate: calls.answer(endpoints.VolumeCreate, (_call, config) => volumes.create(config)),
    VolumeInspect: calls.answer(endpoints.VolumeInspect, (call) => volumes.inspect(refOf(call))),
    VolumeDelete: calls.answer(endpoints.VolumeDelete, (call) =>
      volumes.remove(refOf(call), { force: call.query.force ?? false }),
    ),

    VolumePrune: calls.answer(endpoints.VolumePrune, ({ query, version }) => {
      const filters = query.filters ?? {};
      // Before 1.42 a prune took named volumes too.
      return volumes.prune(isBelow(version, "1.42") ? { ...filters, all: ["true"] } : filters);
    }),
  };
}
