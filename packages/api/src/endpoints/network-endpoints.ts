import {
  NetworkConnectRequest,
  NetworkCreateConfig,
  NetworkCreateResponse,
  NetworkDisconnectRequest,
  NetworkInspect,
  NetworkPruneResponse,
} from "../networks.ts";
import { flag, list, optional, text } from "../wire-types.ts";
import { filters, query, type Endpoint } from "./endpoint.ts";

const tag = "Network";

/** Operations on networks. */
export const networkEndpoints = {
  NetworkList: {
    method: "GET",
    path: "/networks",
    summary: "List networks",
    tag,
    query: query({ filters: filters() }),
    status: 200,
    answer: list(NetworkInspect),
  },
  NetworkCreate: {
    method: "POST",
    path: "/networks/create",
    summary: "Create a network",
    tag,
    body: NetworkCreateConfig,
    status: 201,
    answer: NetworkCreateResponse,
    errors: [403, 404, 409],
  },
  NetworkInspect: {
    method: "GET",
    path: "/networks/{id}",
    summary: "Inspect a network",
    tag,
    query: query({ verbose: optional(flag()), scope: optional(text()) }),
    status: 200,
    answer: NetworkInspect,
    errors: [404],
  },
  NetworkDelete: {
    method: "DELETE",
    path: "/networks/{id}",
    summary: "Remove a network",
    tag,
    status: 204,
    errors: [403, 404],
  },
  NetworkConnect: {
    method: "POST",
    path: "/networks/{id}/connect",
    summary: "Connect a container to a network",
    tag,
    body: NetworkConnectRequest,
    status: 200,
    errors: [403, 404],
  },
  NetworkDisconnect: {
    method: "POST",
    path: "/networks/{id}/disconnect",
    summary: "Disconnect a container from a network",
    tag,
    body: NetworkDisconnectRequest,
    status: 200,
    errors: [403, 404],
  },
  NetworkPrune: {
    method: "POST",
    path: "/networks/prune",
    summary: "Remove unused networks",
    tag,
    query: query({ filters: filters() }),
    status: 200,
    answer: NetworkPruneResponse,
    since: "1.25",
  },
} as const satisfies Record<string, Endpoint>;
