import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { selectedContainers } from "./list-containers.ts";

/** Some KiB each, so that no message comes near the limit. */
const containersPerMessage = 100;

/** The list in parts, for those whose list is longer than a message may be. */
export function streamContainers(deps: ContainersDeps): Handler<typeof RuntimeService.method.streamContainers> {
  return async function* ({ filter }, { signal }) {
    const containers = selectedContainers(deps, filter);
    for (let start = 0; start < containers.length; start += containersPerMessage) {
      signal.throwIfAborted();
      yield { containers: containers.slice(start, start + containersPerMessage) };
    }
  };
}
