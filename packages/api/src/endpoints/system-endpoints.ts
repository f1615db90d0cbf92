import { Type } from "typebox";
import { EventMessage } from "../events.ts";
import { DiskUsage, Orphan, SystemInfo, SystemVersion } from "../system.ts";
import { list, optional, text } from "../wire-types.ts";
import { filters, query, type Endpoint } from "./endpoint.ts";

const tag = "System";

/** Operations on the daemon. */
export const systemEndpoints = {
  SystemPing: { method: "GET", path: "/_ping", summary: "Whether the daemon answers", tag, status: 200, answer: "text/plain" },
  SystemPingHead: { method: "HEAD", path: "/_ping", summary: "Whether the daemon answers, headers only", tag, status: 200 },
  SystemInfo: { method: "GET", path: "/info", summary: "About the daemon and its host", tag, status: 200, answer: SystemInfo },
  SystemVersion: { method: "GET", path: "/version", summary: "Versions", tag, status: 200, answer: SystemVersion },
  SystemDataUsage: {
    method: "GET",
    path: "/system/df",
    summary: "What takes disk space",
    tag,
    query: query({ type: optional(list(text("container, image, volume or build-cache"))) }),
    status: 200,
    answer: DiskUsage,
    since: "1.25",
  },
  SystemEvents: {
    method: "GET",
    path: "/events",
    summary: "Events, past ones first, then as they happen; one JSON object per line",
    tag,
    query: query({
      since: optional(text("Seconds since the epoch, with up to nine digits of fraction")),
      until: optional(text("Seconds since the epoch, with up to nine digits of fraction")),
      filters: filters(),
    }),
    status: 200,
    answer: EventMessage,
  },
  OrphanList: {
    method: "GET",
    path: "/system/orphans",
    summary: "Containers that were found without a record in the store and are set aside",
    tag,
    status: 200,
    answer: list(Orphan),
  },
  OrphanAdopt: {
    method: "POST",
    path: "/system/orphans/{id}/adopt",
    summary: "Make a container that is set aside a container again, by the record that lies beside it",
    tag,
    status: 204,
    errors: [404, 409],
  },
  OrphanDelete: {
    method: "DELETE",
    path: "/system/orphans/{id}",
    summary: "End and remove a container that is set aside",
    tag,
    status: 204,
    errors: [404],
  },
  SystemBackup: {
    method: "GET",
    path: "/system/backup",
    summary: "A consistent copy of the daemon's store, as an SQLite file",
    tag,
    status: 200,
    answer: "application/octet-stream",
  },
  OpenApi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This API as an OpenAPI 3.1 document",
    tag,
    status: 200,
    answer: Type.Object({}),
  },
} as const satisfies Record<string, Endpoint>;
