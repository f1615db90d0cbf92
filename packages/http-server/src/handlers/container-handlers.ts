import { decodeBody, endpoints, HostConfig } from "@pouchcontainer/api";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import type { IncomingMessage } from "node:http";
import type { ContainerBackend } from "../backend.ts";
import type { Calls } from "../call.ts";
import { containerForVersion } from "../container-for-version.ts";
import { applyVersionToCreate } from "../create-defaults.ts";
import { isBelow } from "../api-version.ts";
import { legacyHostConfig, withLegacyHostConfig } from "../legacy-host-config.ts";
import { readJson } from "../request-body.ts";
import { sendJson, sendJsonText } from "../respond.ts";
import { sendStream } from "../send-stream.ts";
import { grace } from "./grace.ts";
import { refOf } from "./ref.ts";

/** Container operations that are one question and one answer. */
export function containerHandlers(calls: Calls, containers: ContainerBackend) {
  return {
    ContainerList: calls.takeOver(endpoints.ContainerList, async ({ query, response }) => {
      const { all = false, limit, size = false, filters = {} } = query;
      const options = { all, size, filters };
      const wanted = limit !== undefined && limit > 0 ? { ...options, limit } : options;
      if (containers.listJson) sendJsonText(response, 200, `[${(await containers.listJson(wanted)).join(",")}]`);
      else sendJson(response, 200, await containers.list(wanted));
    }),

    ContainerCreate: calls.answer(
      endpoints.ContainerCreate,
      ({ query, version }, body) => {
        // Over HTTP these two come in the query alone.
        const { Name: _name, Platform: _platform, ...config } = body;
        const { name, platform } = query;
        const named = { ...config, ...(name ? { Name: name } : {}), ...(platform ? { Platform: platform } : {}) };
        applyVersionToCreate(named, version);
        return containers.create(named, { readOnlyNonRecursive: isBelow(version, "1.44") });
      },
      { upgrade: (body, version) => (isBelow(version, "1.42") ? withLegacyHostConfig(body) : body) },
    ),

    ContainerInspect: calls.answer(endpoints.ContainerInspect, async (call) =>
      containerForVersion(await containers.inspect(refOf(call), { size: call.query.size ?? false }), call.version),
    ),

    ContainerTop: calls.answer(endpoints.ContainerTop, (call) => containers.top(refOf(call), call.query.ps_args || "-ef")),

    ContainerChanges: calls.takeOver(endpoints.ContainerChanges, async (call) => {
      const { count, json } = await containers.changes(refOf(call), call.signal());
      if (count > 0) return await sendStream(call.response, { "Content-Type": "application/json" }, json);
      json.destroy();
      // Docker's own clients know null as "nothing changed"; its list is never empty.
      sendJson(call.response, 200, null);
    }),

    ImageCommit: calls.answer(endpoints.ImageCommit, async (call, body) => {
      // Docker's CLI sends null: that is the container's own, as an object without fields is.
      const config = Object.keys(body ?? {}).length > 0 ? body : undefined;
      const { container, repo, tag, author = "", comment = "", pause = true, changes = [] } = call.query;
      if (!container) throw invalidArgument('invalid name or ID supplied: ""');
      const name = { ...(repo ? { repository: repo } : {}), ...(tag ? { tag } : {}) };
      const options = { ...name, author, comment, pause, changes, ...(config ? { config } : {}) };
      return { Id: await containers.commit(container, options, call.signal()) };
    }),

    ContainerStart: calls.answer(endpoints.ContainerStart, async (call) => {
      const hostConfig = await hostConfigOfStart(call.request, call.version);
      const { detachKeys } = call.query;
      await containers.start(refOf(call), { ...(detachKeys ? { detachKeys } : {}), ...(hostConfig ? { hostConfig } : {}) });
    }),

    ContainerStop: calls.answer(endpoints.ContainerStop, (call) => containers.stop(refOf(call), grace(call.query))),

    ContainerRestart: calls.answer(endpoints.ContainerRestart, (call) => containers.restart(refOf(call), grace(call.query))),

    ContainerKill: calls.answer(endpoints.ContainerKill, async (call) => {
      const { signal } = call.query;
      const ref = refOf(call);
      try {
        await containers.kill(ref, signal ? { signal } : {});
      } catch (thrown) {
        const cause = EngineError.from(thrown);
        throw new EngineError(cause.kind, `cannot kill container: ${ref}: ${cause.message}`, { cause });
      }
    }),

    ContainerPause: calls.answer(endpoints.ContainerPause, (call) => containers.pause(refOf(call))),

    ContainerUnpause: calls.answer(endpoints.ContainerUnpause, (call) => containers.unpause(refOf(call))),

    ContainerUpdate: calls.takeOver(endpoints.ContainerUpdate, async (call) => {
      sendJson(call.response, 200, await containers.update(refOf(call), call.request));
    }),

    ContainerRename: calls.answer(endpoints.ContainerRename, (call) => {
      if (!call.query.name) throw invalidArgument("Neither old nor new names may be empty");
      return containers.rename(refOf(call), call.query.name);
    }),

    ContainerResize: calls.answer(endpoints.ContainerResize, (call) =>
      containers.resize(refOf(call), { width: call.query.w, height: call.query.h }),
    ),

    ContainerDelete: calls.answer(endpoints.ContainerDelete, (call) => {
      const { v = false, force = false, link = false } = call.query;
      return containers.remove(refOf(call), { force, volumes: v, link });
    }),

    ContainerPrune: calls.answer(endpoints.ContainerPrune, ({ query }) => containers.prune(query.filters ?? {})),
  };
}

/** Below 1.24 a start may bring the container's `HostConfig`, in an object of that name or as it is. */
async function hostConfigOfStart(request: IncomingMessage, version: string): Promise<HostConfig | undefined> {
  if (!hasBody(request)) return undefined;
  if (!isBelow(version, "1.24"))
    throw invalidArgument("starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24");
  const given = legacyHostConfig(await readJson(request));
  return given && decodeBody(HostConfig, given);
}

/** Anything longer than `{}` or `null` and the like; what comes in chunks counts whatever it is, as with dockerd. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 7;
}
