import { JsonMessage } from "../json-message.ts";
import { Plugin, PluginPrivilege } from "../plugins.ts";
import { flag, integer, list, oneOf, optional, text } from "../wire-types.ts";
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
  PluginPrivileges: {
    method: "GET",
    path: "/plugins/privileges",
    summary: "What a registry's plugin asks to be granted; nothing where all was granted before",
    tag,
    query: query({ remote: text("REGISTRY/NAME:TAG, or REGISTRY/NAME@DIGEST") }),
    status: 200,
    answer: list(PluginPrivilege),
    errors: [403, 404],
  },
  PluginPull: {
    method: "POST",
    path: "/plugins/pull",
    summary: "Install a plugin of a registry; the answer is a stream of progress lines, its head has `Docker-Plugin-Name`",
    tag,
    query: query({
      remote: text("REGISTRY/NAME:TAG, or REGISTRY/NAME@DIGEST"),
      name: optional(text("Has to be the name in the package")),
      enable: optional(
        flag("Without it the plugin has to be new and is left disabled; with it, one of its name is replaced as by a reload"),
      ),
      mode: optional(oneOf("active", "shadow")),
      privileges: optional(text("`all`: what it asks for is granted, whatever that is; others are granted by the body")),
    }),
    body: list(PluginPrivilege, "What is granted"),
    bodyOptional: true,
    status: 200,
    answer: JsonMessage,
    errors: [403, 404, 409],
  },
  PluginPush: {
    method: "POST",
    path: "/plugins/{name...}/push",
    summary: "Put an installed plugin into a registry; the answer is a stream of progress lines",
    tag,
    query: query({ remote: optional(text("REGISTRY/NAME:TAG; without it, the one the plugin was pulled as")) }),
    status: 200,
    answer: JsonMessage,
    errors: [403, 404, 409],
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
