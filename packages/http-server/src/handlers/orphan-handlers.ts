import { endpoints } from "@pouchcontainer/api";
import type { OrphanBackend } from "../backend.ts";
import type { Calls } from "../call.ts";
import { refOf } from "./ref.ts";

/** Containers that are set aside because the store does not know them. */
export function orphanHandlers(calls: Calls, orphans: OrphanBackend) {
  return {
    OrphanList: calls.answer(endpoints.OrphanList, () => orphans.list()),
    OrphanAdopt: calls.answer(endpoints.OrphanAdopt, (call) => orphans.adopt(refOf(call))),
    OrphanDelete: calls.answer(endpoints.OrphanDelete, (call) => orphans.remove(refOf(call))),
  };
}
