import type { ContainerCreateConfig, ContainerInspect, HandlerSpec, VolumeCreateConfig } from "@pouchcontainer/api";
import type { Endpoint, PreStartHook } from "./container-plugin.ts";
import type { Supervisor } from "./daemon-plugin.ts";
import type { PulledImage } from "./image-plugin.ts";
import type { PluginManifest } from "./manifest.ts";
import type { Awaitable, PluginLog } from "./plugin-call.ts";
import type { PodSandboxConfig } from "./pod-sandbox-config.ts";
import type { PointName } from "./points.ts";
import type { Readable } from "node:stream";

/** What goes into a point and what comes out of it, the same for every transport. Bodies are the callee's own drafts. */
export interface PointTypes {
  "container.preCreate": { request: { config: ContainerCreateConfig }; answer: { config: ContainerCreateConfig } };
  "container.validateCreate": { request: { config: ContainerCreateConfig }; answer: object };
  "container.preStart": { request: { container: ContainerInspect }; answer: { hooks: PreStartHook[] } };
  "container.preCreateEndpoint": {
    request: { id: string; env: readonly string[]; endpoint: Endpoint };
    answer: { endpoint: Endpoint };
  };
  "container.preUpdate": { request: { body: Readable }; answer: { body: Readable } };
  "container.postUpdate": { request: { rootfs: string; env: string[] }; answer: { env: string[] } };
  "daemon.preStartHook": { request: { supervisor: Supervisor; stateDirectory: string }; answer: object };
  "daemon.preStopHook": { request: { supervisor: Supervisor; stateDirectory: string }; answer: object };
  "volume.preVolumeCreate": { request: { config: VolumeCreateConfig }; answer: { config: VolumeCreateConfig } };
  "volume.validateVolumeCreate": { request: { config: VolumeCreateConfig }; answer: object };
  "cri.preRunPodSandbox": {
    request: { config: PodSandboxConfig; criRequest: unknown };
    answer: { config: PodSandboxConfig };
  };
  "cri.preCreateContainer": {
    request: { config: ContainerCreateConfig; criRequest: unknown };
    answer: { config: ContainerCreateConfig };
  };
  "api.updateHandler": { request: { handlers: HandlerSpec[] }; answer: { handlers: HandlerSpec[] } };
  "image.postPull": { request: { snapshotter: string; image: PulledImage }; answer: object };
}

export type PointRequest<P extends PointName> = PointTypes[P]["request"];
export type PointAnswer<P extends PointName> = PointTypes[P]["answer"];

/** What an instance is told about a call besides its arguments. */
export interface InvokeContext {
  readonly signal: AbortSignal;
  readonly log: PluginLog;
  readonly container?: { readonly id?: string; readonly name?: string };
  /** Milliseconds the caller will wait. */
  readonly timeoutMs: number;
  /**
   * Counts one more call that is under way, until what it returns is called: for what comes of the answer later, such as the requests of
   * a route. Default: nobody counts.
   */
  readonly hold?: () => () => void;
}

/** Where a plugin's code came from. */
export type PluginOrigin = "built-in" | "installed";

/** A loaded plugin that can be called. Deadlines, policies, differences and traces are the caller's; an instance only calls. */
export interface PluginInstance {
  readonly manifest: PluginManifest;
  readonly origin: PluginOrigin;
  /** Changes when what is called was started anew. Default: it never is. */
  readonly incarnation?: number;
  invoke<P extends PointName>(point: P, request: PointRequest<P>, context: InvokeContext): Awaitable<PointAnswer<P>>;
  /** Told that the table made with its last answer to `api.updateHandler` is the one that is served. Default: it need not know. */
  routesServed?(): void;
  /** Ends what the instance holds: processes, sockets. It is not called again. */
  close(): Promise<void>;
}
