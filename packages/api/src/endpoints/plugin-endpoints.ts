import { Plugin } from "../plugins.ts";
import { flag, integer, list, optional } from "../wire-types.ts";
import { filters, query, type Endpoint } from "./endpoint.ts";

const tag = "Plugin";

/** Operations on plugins that Docker has too. No plugin can take these routes away. */
export const pluginEndpoints = {
  PluginList: {
    method: "GET",
    path: "/plugins",
    summary: "List plugins",
    tag,
    query: query({ filters: filters() }),
    status: 200,
    answer: list(Plugin),
  },
  PluginInspect: {
    method: "GET",
    path: "/plugins/{name...}/json",
    summary: "Inspect a plugin",
    tag,
    status: 200,
    answer: Plugin,
    errors: [404],
  },
  PluginEnable: {
    method: "POST",
    path: "/plugins/{name...}/enable",
    summary: "Enable a plugin",
    tag,
    query: query({ timeout: optional(integer("Seconds")) }),
    status: 200,
    errors: [404],
  },
  PluginDisable: {
    method: "POST",
    path: "/plugins/{name...}/disable",
    summary: "Disable a plugin",
    tag,
    query: query({ force: optional(flag()) }),
    status: 200,
    errors: [404],
  },
  PluginDelete: {
    method: "DELETE",
    path: "/plugins/{name...}",
    summary: "Remove a plugin",
    tag,
    query: query({ force: optional(flag()) }),
    status: 200,
    answer: Plugin,
    errors: [404],
  },
} as const satisfies Record<string, Endpoint>;
