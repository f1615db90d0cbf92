import type { ContainerCreateConfig } from "@pouchcontainer/api";
import type { Awaitable, PluginCall } from "./plugin-call.ts";
import type { PodSandboxConfig } from "./pod-sandbox-config.ts";

/** Points in the life of the Kubernetes container runtime interface. */
export interface CriPlugin {
  /**
   * CRI RunPodSandbox, first thing. `config` is the pod's configuration; `criRequest` is the request as it came, as JSON, with the name of
   * the runtime handler. Everything in the configuration may be changed. A throw fails the RPC with its message; nothing was allocated.
   */
  preRunPodSandbox?(config: PodSandboxConfig, criRequest: unknown, call: PluginCall): Awaitable<PodSandboxConfig | void>;
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
