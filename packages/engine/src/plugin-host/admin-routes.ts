import { checkJsonBounds, registryAuth, type Handler, type HandlerSpec, type PathParams } from "@pouchcontainer/api";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { clientGone } from "@pouchcontainer/owners";
import { isObject, pluginSetOf, type BodyChecks } from "@pouchcontainer/plugin-sdk/host";
import type { IncomingMessage, ServerResponse } from "node:http";
import { canaryOptionsOf } from "./canary/canary-options.ts";
import { dryRun } from "./dry-run.ts";
import type { PullOptions } from "./artifact/plugin-artifacts.ts";
import type { PackageSource } from "./installed/plugin-package.ts";
import { readPrivileges, type GrantedPrivileges } from "./permissions/granted.ts";
import type { PluginHost } from "./plugin-host.ts";
import type { PluginManager } from "./plugin-manager.ts";
import type { ReplayRequest } from "./replay/plugin-replays.ts";
import { streamReplay } from "./replay/replay-stream.ts";
import { sinceOf } from "./replay/since-of.ts";
import { readMode, type PluginMode } from "./shadow/plugin-mode.ts";
import { jsonOf, readBody } from "./update-body.ts";

/** Routes for operators that Docker has no like of; docs/plugin-guide.md shows the commands that use them. No plugin can take them away. */
export function pluginAdminRoutes(deps: { host: PluginHost; manager: PluginManager; checks: BodyChecks }): HandlerSpec[] {
  const { host, manager, checks } = deps;
  return [
    route("POST", "/plugins/install", (request, query, _params, response) =>
      install(manager, request, query, pullOptions(request, response)),
    ),
    route("POST", "/plugins/privileges", async (request, _query, _params, response) =>
      manager.privileges((await archiveOf(request)) ?? sourceOf(await readObject(request), pullOptions(request, response))),
    ),
    route("POST", "/plugins/{name...}/reload", async (request, query, params, response) => {
      const canary = canaryOptionsOf(query);
      return manager.reload(named(params), await archiveOf(request), {
        privileges: privilegesOfQuery(query),
        pull: pullOptions(request, response),
        ...(canary && { canary }),
      });
    }),
    route("POST", "/plugins/{name...}/canary/promote", async (_request, _query, params) =>
      manager.canaries.promote(named(params)),
    ),
    route("POST", "/plugins/{name...}/canary/abort", async (_request, _query, params) => manager.canaries.abort(named(params))),
    route("GET", "/plugins/{name...}/permissions", async (_request, _query, params) => manager.permissions(named(params))),
    route("POST", "/plugins/{name...}/mode", async (request, _query, params) =>
      manager.setMode(named(params), readMode((await readObject(request))["mode"])),
    ),
    route("GET", "/plugins/order", async () => ({ order: manager.order })),
    route("POST", "/plugins/order", async (request) => {
      const { order } = await readObject(request);
      if (!Array.isArray(order) || !order.every((name) => typeof name === "string"))
        throw invalidArgument("order must be a list of plugin names");
      await manager.setOrder(order);
      return { order: manager.order };
    }),
    route("POST", "/plugins/apply", async (request, query) => {
      const set = pluginSetOf(await readObject(request), "the set of plugins");
      return manager.sets.applyAll(set, { dryRun: isTrue(query.get("dryRun")) });
    }),
    route("GET", "/plugins/export", async () => manager.exportSet()),
    route("GET", "/plugins/trace", async (_request, query) => {
      const [container, plugin, limit] = [query.get("container"), query.get("plugin"), query.get("limit")];
      return host.trace.last({
        reveal: isTrue(query.get("showEnv")),
        ...(container === null ? {} : { container }),
        ...(plugin === null ? {} : { plugin }),
        ...(limit === null ? {} : { limit: positive("limit", limit) }),
      });
    }),
    route("POST", "/plugins/dry-run", async (request, query) => {
      const { point, body } = await readObject(request);
      if (typeof point !== "string") throw invalidArgument("point must be the name of a point, such as container.preCreate");
      return dryRun(host, checks, { point, body, showEnv: isTrue(query.get("showEnv")) });
    }),
    { method: "POST", path: "/plugins/{name...}/replay", handler: replayHandler(manager) },
    { method: "GET", path: "/plugins/{name...}/logs", handler: logsHandler(manager) },
  ];
}

type Answer = (
  request: IncomingMessage,
  query: URLSearchParams,
  params: PathParams,
  response: ServerResponse,
) => Promise<unknown>;

function route(method: string, path: string, answer: Answer): HandlerSpec {
  const handler: Handler = async (request, response, params) =>
    sendJson(response, await answer(request, queryOf(request), params, response));
  return { method, path, handler };
}

function pullOptions(request: IncomingMessage, response: ServerResponse): PullOptions {
  const auth = registryAuth(request);
  return { signal: clientGone(response), ...(auth && { auth }) };
}

async function install(
  manager: PluginManager,
  request: IncomingMessage,
  query: URLSearchParams,
  pull: PullOptions,
): Promise<unknown> {
  const [name, enable, origin, mode] = ["name", "enable", "source", "mode"].map((key) => query.get(key) ?? undefined);
  const options = {
    privileges: privilegesOfQuery(query),
    ...(name === undefined ? {} : { name }),
    ...(enable === undefined ? {} : { enable: isTrue(enable) }),
    ...(origin === undefined ? {} : { origin }),
    ...(mode === undefined ? {} : { mode: readMode(mode) }),
  };
  const archive = await archiveOf(request);
  if (archive !== undefined) return manager.install(archive, options);
  const body = await readObject(request);
  return manager.install(sourceOf(body, pull), { ...options, ...installOptions(body) });
}

function sourceOf({ source }: Record<string, unknown>, pull: PullOptions): PackageSource {
  if (typeof source !== "string" || source === "")
    throw invalidArgument("source must be a folder, an archive, REGISTRY/NAME:TAG or an npm package");
  return { reference: source, pull };
}

/** Beside an archive, which is the body. */
function privilegesOfQuery(query: URLSearchParams): GrantedPrivileges {
  const text = query.get("privileges");
  if (text === null || text === "all") return readPrivileges(text);
  return readPrivileges(jsonOf(Buffer.from(text)) ?? text);
}

function installOptions(body: Record<string, unknown>): {
  name?: string;
  enable?: boolean;
  configuration?: Record<string, unknown>;
  privileges?: GrantedPrivileges;
  mode?: PluginMode;
} {
  const { name, enable, configuration, privileges, mode } = body;
  if (name !== undefined && typeof name !== "string") throw invalidArgument("name must be a string");
  if (enable !== undefined && typeof enable !== "boolean") throw invalidArgument("enable must be true or false");
  if (configuration !== undefined && !isObject(configuration)) throw invalidArgument("configuration must be an object");
  return {
    ...(name === undefined ? {} : { name }),
    ...(enable === undefined ? {} : { enable }),
    ...(configuration === undefined ? {} : { configuration }),
    ...(privileges === undefined ? {} : { privileges: readPrivileges(privileges) }),
    ...(mode === undefined ? {} : { mode: readMode(mode) }),
  };
}

/** The body, where it is an archive; JSON or nothing is no archive. */
async function archiveOf(request: IncomingMessage): Promise<PackageSource | undefined> {
  const isEmpty = request.headers["transfer-encoding"] === undefined && Number(request.headers["content-length"] ?? 0) === 0;
  const isJson = request.headers["content-type"]?.includes("json") === true;
  return isEmpty || isJson ? undefined : { archive: request };
}

async function readObject(request: IncomingMessage): Promise<Record<string, unknown>> {
  const bytes = await readBody(request);
  checkJsonBounds(bytes);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw invalidArgument("the body is not JSON", { cause: error });
  }
  if (!isObject(value)) throw invalidArgument("the body must be a JSON object");
  return value;
}

function logsHandler(manager: PluginManager): Handler {
  return (request, response, params) => {
    const name = named(params);
    const lines = manager.logLines(name);
    response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" });
    for (const line of lines) response.write(`${line}\n`);
    if (!isTrue(queryOf(request).get("follow"))) {
      response.end();
      return;
    }
    // The client has the head although no line may come for long.
    response.flushHeaders();
    const stop = manager.followLog(name, linesTo(response));
    response.once("close", stop);
  };
}

function replayHandler(manager: PluginManager): Handler {
  return async (request, response, params) => {
    const against = await archiveOf(request);
    const wanted = wantedCalls(queryOf(request));
    await streamReplay(response, (tell, signal) =>
      manager.replay(named(params), { ...wanted, ...(against && { against }) }, tell, signal),
    );
  };
}

function wantedCalls(query: URLSearchParams): Omit<ReplayRequest, "against"> {
  const [since, point, limit] = [query.get("since"), query.get("point"), query.get("limit")];
  return {
    ...(since === null ? {} : { since: sinceOf(since, Date.now()) }),
    ...(point === null ? {} : { point }),
    ...(limit === null ? {} : { limit: positive("limit", limit) }),
  };
}

/** Writes lines at the client's pace: those it has no room for are left out and counted, as the plugin waits for nobody. */
function linesTo(response: ServerResponse): (line: string) => void {
  let leftOut = 0;
  response.on("drain", () => {
    if (leftOut === 0) return;
    response.write(`${leftOut} ${leftOut === 1 ? "line" : "lines"} left out: they came faster than they were read\n`);
    leftOut = 0;
  });
  return (line) => {
    if (response.writableNeedDrain) leftOut += 1;
    else response.write(`${line}\n`);
  };
}

function named(params: PathParams): string {
  return params["name"] ?? "";
}

function queryOf(request: IncomingMessage): URLSearchParams {
  return new URL(request.url ?? "/", "http://daemon").searchParams;
}

function isTrue(value: string | null): boolean {
  return value === "1" || value === "true";
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw invalidArgument(`${name} must be a positive integer, got "${text}"`);
  return value;
}

function sendJson(response: ServerResponse, value: unknown): void {
  const body = JSON.stringify(value);
  if (body === undefined) throw new EngineError("internal", "an answer without a value");
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}
