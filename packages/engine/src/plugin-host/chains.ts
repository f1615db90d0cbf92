import type { ContainerCreateConfig, ContainerInspect, VolumeCreateConfig } from "@pouchcontainer/api";
import type { Readable } from "node:stream";

/** One OCI pre-start hook a plugin asked for. Bigger priority runs first; the network is at 0 (plugins.md, "Network and priority"). */
export interface PreStartHook {
  priority: number;
  /** Absolute path of the program, then its arguments (argv[0] is the path). */
  args: string[];
  env?: string[];
  timeoutSeconds?: number;
  /** Name of the plugin that asked for it. */
  plugin: string;
}

/** What `container.preCreateEndpoint` may change of an endpoint about to be made. */
export interface Endpoint {
  networkName: string;
  networkId: string;
  driver: string;
  /** The endpoint with the highest priority gives the default route. */
  priority: number;
  disableResolver: boolean;
  genericParams: Record<string, unknown>;
  ipv4Address?: string;
  ipv6Address?: string;
  macAddress?: string;
  aliases: string[];
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
  driverOptions: Record<string, string>;
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
  signal?: AbortSignal;
}

export interface PostPullImage {
  reference: string;
  digest: string;
  platform: string;
  sizeBytes: number;
  config: unknown;
  unpack(snapshotter: string): Promise<void>;
  isUnpacked(snapshotter: string): Promise<boolean>;
}

/**
 * The plugin chains as the engine's operations see them. Every method resolves to its input, unchanged, when no plugin
 * applies; that path costs no clone and no promise beyond the call itself. A failing chain throws an EngineError that names
 * plugin, point and field.
 */
export interface PluginChains {
  preCreate(config: ContainerCreateConfig, context: ChainContext): Promise<ContainerCreateConfig>;
  /** Hooks of all plugins, ordered: priority descending, equal ones in chain order. */
  preStart(container: ContainerInspect, context: ChainContext): Promise<PreStartHook[]>;
  preCreateEndpoint(containerId: string, env: string[], endpoint: Endpoint, context: ChainContext): Promise<Endpoint>;
  preUpdate(body: Readable, context: ChainContext): Promise<Readable>;
  postUpdate(rootfs: string, env: string[], context: ChainContext): Promise<{ env: string[] }>;
  preVolumeCreate(config: VolumeCreateConfig, context: ChainContext): Promise<VolumeCreateConfig>;
  criPreCreateContainer(config: ContainerCreateConfig, criRequest: unknown, context: ChainContext): Promise<ContainerCreateConfig>;
  postPull(snapshotter: string, image: PostPullImage, context: ChainContext): Promise<void>;
}
