import type { RuntimeHandlers } from "../wire/handlers.ts";
import { runtimeConfig } from "./runtime-config.ts";
import type { RuntimeDeps } from "./runtime-deps.ts";
import { status } from "./status.ts";
import { updateRuntimeConfig } from "./update-runtime-config.ts";
import { version } from "./version.ts";

/** RPCs about the runtime itself. Those about pods and containers are in tables of their own, which `compose` puts beside this one. */
export function runtimeCalls(deps: RuntimeDeps) {
  return {
    version: version(deps),
    status: status(deps),
    runtimeConfig: runtimeConfig(deps),
    updateRuntimeConfig: updateRuntimeConfig(),
  } satisfies RuntimeHandlers;
}
