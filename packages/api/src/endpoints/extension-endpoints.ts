import {
  PluginDryRunRequest,
  PluginDryRunResponse,
  PluginInstallRequest,
  PluginOrder,
  PluginTraceEntry,
} from "../plugin-calls.ts";
import { PluginSetFile, PluginSetReport } from "../plugin-set.ts";
import { Plugin } from "../plugins.ts";
import { flag, integer, list, optional, text } from "../wire-types.ts";
import { query, type Endpoint } from "./endpoint.ts";

const tag = "Plugin";

/** Operations that Docker has no like of; their handlers come from other parts of the daemon than the HTTP server. */
export const extensionEndpoints = {
  PluginInstall: {
    method: "POST",
    path: "/plugins/install",
    summary: "Install a plugin; the body is JSON, or the package itself as a tar",
    tag,
    query: query({
      name: optional(text()),
      enable: optional(flag()),
      source: optional(text("Where the tar is from; a reload without one is refused then, and names it")),
    }),
    body: PluginInstallRequest,
    status: 200,
    answer: Plugin,
    errors: [409],
  },
  PluginReload: {
    method: "POST",
    path: "/plugins/{name...}/reload",
    summary: "Put a new version of an installed plugin in the place of the running one",
    tag,
    body: "application/x-tar",
    bodyOptional: true,
    status: 200,
    answer: Plugin,
    errors: [404, 409],
  },
  PluginLogs: {
    method: "GET",
    path: "/plugins/{name...}/logs",
    summary: "Read what a plugin wrote",
    tag,
    query: query({ follow: optional(flag()) }),
    status: 200,
    answer: "text/plain",
    errors: [404],
  },
  PluginOrder: {
    method: "GET",
    path: "/plugins/order",
    summary: "Which plugin is first where priorities are equal",
    tag,
    status: 200,
    answer: PluginOrder,
  },
  PluginSetOrder: {
    method: "POST",
    path: "/plugins/order",
    summary: "Decide which plugin is first where priorities are equal",
    tag,
    body: PluginOrder,
    status: 200,
    answer: PluginOrder,
    errors: [404],
  },
  PluginApply: {
    method: "POST",
    path: "/plugins/apply",
    summary: "Make the plugins what a set says of them, all of it or nothing",
    tag,
    query: query({ dryRun: optional(flag("Only look at what would change")) }),
    body: PluginSetFile,
    status: 200,
    answer: PluginSetReport,
    errors: [404, 409],
  },
  PluginExport: {
    method: "GET",
    path: "/plugins/export",
    summary: "The plugins there are, as a set that can be applied",
    tag,
    status: 200,
    answer: PluginSetFile,
  },
  PluginTrace: {
    method: "GET",
    path: "/plugins/trace",
    summary: "The last calls of plugins and what each changed",
    tag,
    query: query({
      container: optional(text("Name or id")),
      plugin: optional(text()),
      limit: optional(integer()),
      showEnv: optional(flag("Do not mask the values of environment variables")),
    }),
    status: 200,
    answer: list(PluginTraceEntry),
  },
  PluginDryRun: {
    method: "POST",
    path: "/plugins/dry-run",
    summary: "Run the chain of a point on a body; nothing comes of it but the answer",
    tag,
    query: query({ showEnv: optional(flag()) }),
    body: PluginDryRunRequest,
    status: 200,
    answer: PluginDryRunResponse,
  },
  Metrics: {
    method: "GET",
    path: "/metrics",
    summary: "Figures in Prometheus' text format",
    tag: "System",
    status: 200,
    answer: "text/plain",
  },
} as const satisfies Record<string, Endpoint>;
