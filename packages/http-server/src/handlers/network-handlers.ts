import { endpoints } from "@pouchcontainer/api";
import type { NetworkBackend } from "../backend.ts";
import type { Calls } from "../call.ts";
import { refOf } from "./ref.ts";

/** Networks. */
export function networkHandlers(calls: Calls, networks: NetworkBackend) {
  return {
    NetworkList: calls.answer(endpoints.NetworkList, ({ query }) => networks.list(query.filters ?? {})),
    NetworkCreate: calls.answer(endpoints.NetworkCreate, (_call, config) => networks.create(config)),

    NetworkInspect: calls.answer(endpoints.NetworkInspect, (call) => {
      const { verbose = false, scope } = call.query;
      return networks.inspect(refOf(call), { verbose, ...(scope ? { scope } : {}) });
    }),

    NetworkDelete: calls.answer(endpoints.NetworkDelete, (call) => networks.remove(refOf(call))),
    NetworkConnect: calls.answer(endpoints.NetworkConnect, (call, request) => networks.connect(refOf(call), request)),
    NetworkDisconnect: calls.answer(endpoints.NetworkDisconnect, (call, request) => networks.disconnect(refOf(call), request)),
    NetworkPrune: calls.answer(endpoints.NetworkPrune, ({ query }) => networks.prune(query.filters ?? {})),
  };
}
