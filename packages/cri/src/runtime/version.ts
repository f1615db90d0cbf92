import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { RuntimeDeps } from "./runtime-deps.ts";

/** The kubelet's own, fixed since its first release: clients compare with it. */
const kubeletApiVersion = "0.1.0";

/** Who we are, and the API by the name it was called with. */
export function version(deps: RuntimeDeps): Handler<typeof RuntimeService.method.version> {
  return async (_request, { apiVersion }) => ({
    version: kubeletApiVersion,
    runtimeName: "pouch",
    runtimeVersion: deps.version,
    runtimeApiVersion: apiVersion,
  });
}
