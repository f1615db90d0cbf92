import type { ContainerCreateConfig } from "@pouchcontainer/api";
import type { Awaitable, PluginCall } from "./plugin-call.ts";

/** Points in the life of the Kubernetes container runtime interface. */
export interface CriPlugin {
  /**
   * CRI CreateContainer, after its request was translated and before `container.preCreate`. `criRequest` is the request with
   * its sandbox, as JSON. Env, labels and everything else in the body may be changed. A throw fails the RPC with its message.
   */
  preCreateContainer?(
    config: ContainerCreateConfig,
    criRequest: unknown,
    call: PluginCall,
  ): Awaitable<ContainerCreateConfig | void>;
}
