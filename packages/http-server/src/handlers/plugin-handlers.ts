import { endpoints, registryAuth } from "@pouchcontainer/api";
import type { PluginBackend } from "../backend.ts";
import { readBody, type Calls } from "../call.ts";
import { streamProgress } from "../progress-stream.ts";
import { refOf } from "./ref.ts";

/** Plugins, as far as Docker has them too. */
export function pluginHandlers(calls: Calls, plugins: PluginBackend) {
  return {
    PluginList: calls.answer(endpoints.PluginList, ({ query }) => plugins.list(query.filters ?? {})),
    PluginInspect: calls.answer(endpoints.PluginInspect, (call) => plugins.inspect(refOf(call))),

    PluginPrivileges: calls.answer(endpoints.PluginPrivileges, (call) => {
      const auth = registryAuth(call.request);
      return plugins.pullPrivileges({ remote: call.query.remote, ...(auth ? { auth } : {}) }, call.signal());
    }),

    PluginPull: calls.takeOver(endpoints.PluginPull, async (call) => {
      const { remote, name, enable, mode, privileges } = call.query;
      const granted = await readBody(call);
      const auth = registryAuth(call.request);
      const request = {
        remote,
        ...(name ? { name } : {}),
        ...(enable === undefined ? {} : { enable }),
        ...(mode ? { mode } : {}),
        privileges: privileges === "all" ? ("all" as const) : granted,
        ...(auth ? { auth } : {}),
        named: (found: string) => {
          call.response.setHeader("Docker-Plugin-Name", found);
        },
      };
      await streamProgress(call.response, (progress) => plugins.pull(request, progress, call.signal()));
    }),

    PluginPush: calls.takeOver(endpoints.PluginPush, async (call) => {
      const { remote } = call.query;
      const auth = registryAuth(call.request);
      const request = { ...(remote ? { remote } : {}), ...(auth ? { auth } : {}) };
      await streamProgress(call.response, (progress) => plugins.push(refOf(call), request, progress, call.signal()));
    }),

    PluginEnable: calls.answer(endpoints.PluginEnable, (call) => {
      const { timeout } = call.query;
      return plugins.enable(refOf(call), timeout === undefined ? {} : { timeoutSeconds: timeout });
    }),

    PluginDisable: calls.answer(endpoints.PluginDisable, (call) =>
      plugins.disable(refOf(call), { force: call.query.force ?? false }),
    ),
    PluginDelete: calls.answer(endpoints.PluginDelete, (call) =>
      plugins.remove(refOf(call), { force: call.query.force ?? false }),
    ),
  };
}
