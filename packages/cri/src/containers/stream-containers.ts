import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import { inParts } from "../pods/in-parts.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { selectedContainers } from "./list-containers.ts";

/** The list in parts, for those whose list is longer than a message may be. */
export function streamContainers(deps: ContainersDeps): Handler<typeof RuntimeService.method.streamContainers> {
  return async function* ({ filter }, { signal }) {
    for (const containers of inParts(selectedContainers(deps, filter), signal)) yield { containers };
  };
}
