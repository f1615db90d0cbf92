import { endpoints } from "@pouchcontainer/api";
import type { PluginBackend } from "../backend.ts";
import type { Calls } from "../call.ts";
import { refOf } from "./ref.ts";

/** Plugins, as far as Docker has them too. */
export function pluginHandlers(calls: Calls, plugins: PluginBackend) {
  return {
    PluginList: calls.answer(endpoints.PluginList, ({ query }) => plugins.list(query.filters ?? {})),
    PluginInspect: calls.answer(endpoints.PluginInspect, (call) => plugins.inspect(refOf(call))),

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
