import { Volume, VolumeCreateConfig, VolumeListResponse, VolumePruneResponse } from "../volumes.ts";
import { flag, optional } from "../wire-types.ts";
import { filters, query, type Endpoint } from "./endpoint.ts";

const tag = "Volume";

/** Operations on volumes. */
export const volumeEndpoints = {
  VolumeList: {
    method: "GET",
    path: "/volumes",
    summary: "List volumes",
    tag,
    query: query({ filters: filters() }),
    status: 200,
    answer: VolumeListResponse,
  },
  VolumeCreate: {
    method: "POST",
    path: "/volumes/create",
    summary: "Create a volume, or answer with the one there is",
    tag,
    body: VolumeCreateConfig,
    status: 201,
    answer: Volume,
    errors: [409],
  },
  VolumeInspect: {
    method: "GET",
    path: "/volumes/{name...}",
    summary: "Inspect a volume",
    tag,
    status: 200,
    answer: Volume,
    errors: [404],
  },
  VolumeDelete: {
    method: "DELETE",
    path: "/volumes/{name...}",
    summary: "Remove a volume",
    tag,
    query: query({ force: optional(flag("No error when there is none")) }),
    status: 204,
    errors: [404, 409],
  },
  VolumePrune: {
    method: "POST",
    path: "/volumes/prune",
    summary: "Remove unused volumes",
    tag,
    query: query({ filters: filters() }),
    status: 200,
    answer: VolumePruneResponse,
    since: "1.25",
  },
} as const satisfies Record<string, Endpoint>;
