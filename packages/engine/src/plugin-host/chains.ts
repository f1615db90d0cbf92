import type { ContainerCreateConfig, ContainerInspect, VolumeCreateConfig } from "@pouchcontainer/api";
import type { Endpoint, PodSandboxConfig, PreStartHook as PluginHook, PulledImage } from "@pouchcontainer/plugin-sdk";
import type { PointBody, PointOf, PointRequest } from "@pouchcontainer/plugin-sdk/host";
import type { Readable } from "node:stream";
import type { BodyHistory } from "./body-history.ts";
import type { TraceEntry } from "./trace.ts";

export type { Endpoint, PodSandboxConfig, PulledImage as PostPullImage } from "@pouchcontainer/plugin-sdk";

/** One OCI pre-start hook a plugin asked for. Bigger priority runs first; the network is at 0 . */
export interface PreStartHook extends PluginHook {
  /** Name of the plugin that asked for it. */
  plugin: string;
  /** Always there: a hook without an end would hold the start, and runc with it, for ever. */
  timeoutSeconds: number;
}

/** Who is asking, for filters, traces and messages. */
export interface ChainContext {
  /** Container the call is about, where one exists already. */
  containerId?: string;
  containerName?: string;
  /** Labels, image and env that filters look at. */
  labels?: Record<string, string>;
  image?: string;
  env?: string[];
  /** The request came over CRI, whose bodies may have what Docker's may not. Default: it did not. */
  overCri?: boolean;
  signal?: AbortSignal;
  /** Who has changed the body so far, for validators. Default: nobody has, before this chain. */
  history?: BodyHistory;
  /** Receives every call made for this chain. A create has no id yet under which they could be found: see `PluginHost.adoptTrace`. */
  calls?: TraceEntry[];
}

/** Throws, or rejects, for a body that is of the right form, and that nothing can be made of. Allocates nothing. */
export type Verify<B> = (body: B) => unknown;

/** Who hands a body from plugin to plugin. */
export interface ChangeContext<B> extends ChainContext {
  /** Of this request, of which more is known than of others at the point. Default: what holds for all of them. */
  verify?: Verify<B>;
}

/** The engine's own checks of what plugins make of a body, by point. */
export type Verifiers = { readonly [P in PointOf<"changes">]?: (body: PointBody<P>, context: ChainContext) => unknown };

/** Calls of plugins, kept with the container they concern. */
export interface PluginTraces {
  /** Files calls that were collected through `ChainContext.calls` under the container they led to. */
  adoptTrace(container: { id: string; name: string }, calls: readonly TraceEntry[]): void;
  /** Oldest first; environment values masked. */
  traceOf(containerId: string): TraceEntry[];
  /** The container was removed. */
  forgetTrace(containerId: string): void;
}

/** Lets `use` work on a container's files below the folder it is given, for as long as it works. */
export type RootfsLender = <T>(use: (rootfs: string) => Promise<T>) => Promise<T>;

/**
 * The plugin chains as the engine's operations see them. Every method resolves to its input, unchanged, when no plugin
 * applies; that path costs no clone and no promise beyond the call itself. A failing chain throws an EngineError that names
 * plugin, point and field.
 */
export interface PluginChains {
  /** The point's body as plugins left it. */
  change<P extends PointOf<"changes">>(
    point: P,
    request: PointRequest<P>,
    context: ChangeContext<PointBody<P>>,
  ): Promise<PointBody<P>>;
  /** Throws when a plugin refuses. `view` is asked for only when there is a plugin. */
  ask<P extends PointOf<"asks">>(point: P, view: () => PointRequest<P>, context: ChainContext): Promise<void>;
  /** Waits for the plugins, and never throws what they do. `view` is asked for only when there is one. */
  tell<P extends PointOf<"tells">>(point: P, view: () => PointRequest<P>, context: ChainContext): Promise<void>;
  /** The same of what has happened: nothing waits for it. */
  tellAfterwards<P extends PointOf<"tells">>(point: P, view: () => PointRequest<P>, context: ChainContext): void;
  preCreate(config: ContainerCreateConfig, context: ChainContext): Promise<ContainerCreateConfig>;
  /** Throws where the image's labels name a plugin that has not admitted the container. `calls`: those that were made for its create. */
  admitImage(labels: Readonly<Record<string, string>> | undefined, calls: readonly TraceEntry[]): void;
  /** Hooks of all plugins, ordered: priority descending, equal ones in chain order. */
  preStart(container: ContainerInspect, context: ChainContext): Promise<PreStartHook[]>;
  preCreateEndpoint(containerId: string, env: string[], endpoint: Endpoint, context: ChangeContext<Endpoint>): Promise<Endpoint>;
  preUpdate(body: Readable, context: ChainContext): Promise<Readable>;
  /** The container's files are put together only when a plugin wants to see them. */
  postUpdate(files: RootfsLender, env: string[], context: ChainContext): Promise<{ env: string[] }>;
  preVolumeCreate(config: VolumeCreateConfig, context: ChainContext): Promise<VolumeCreateConfig>;
  criPreRunPodSandbox(
    config: PodSandboxConfig,
    criRequest: unknown,
    context: ChangeContext<PodSandboxConfig>,
  ): Promise<PodSandboxConfig>;
  criPreCreateContainer(
    config: ContainerCreateConfig,
    criRequest: unknown,
    context: ChainContext,
  ): Promise<ContainerCreateConfig>;
  postPull(snapshotter: string, image: PulledImage, context: ChainContext): Promise<void>;
}
