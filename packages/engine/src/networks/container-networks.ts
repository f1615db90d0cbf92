import type { ContainerCreateConfig, EndpointSettings, NetworkSettings } from "@pouchcontainer/api";
import type { PodMembership } from "../containers/pod-membership.ts";

/** The facts about a container the network room needs; owned by the container room, given at each call. */
export interface NetworkedContainer {
  id: string;
  name: string;
  hostname: string;
  domainname: string;
  env: string[];
  labels: Record<string, string>;
  image: string;
  /** `Config.MacAddress`: of the endpoint in the network of the mode; "" for the engine's own choice. */
  macAddress: string;
  /** `HostConfig.NetworkMode` after normalisation: `none`, `host`, `container:<id>`, or a network's name or id. */
  networkMode: string;
  hostConfig: ContainerCreateConfig["HostConfig"];
  exposedPorts: string[];
  /** `--link` outside user-defined networks. */
  links: { id: string; name: string; alias: string }[];
  /** Endpoints asked for or already known, by network name. */
  endpoints: Record<string, EndpointSettings>;
  /** `endpoints` names all of them, that of the network mode too if there still is one: something was connected or disconnected. */
  endpointsSettled?: boolean;
  /** What is told of its networks: not even their ids before the first start, no addresses once it has ended. Default `running`. */
  phase?: "new" | "running" | "ended";
  /** Folder for `hosts`, `resolv.conf` and `hostname`, one per container. */
  filesDirectory: string;
  /** It has the network of a pod. */
  pod?: PodMembership;
}

/** What a container's OCI spec needs to know of its network. */
export interface NetworkSandbox {
  /** Path of the network namespace to join; absent: the host's (`host`) */
  netnsPath?: string;
  hostsPath?: string;
  resolvConfPath?: string;
  hostnamePath?: string;
}

/** What a container has of its pod's network; so has one of Docker's that joins it. */
export function sandboxInPod({ namespaces: { network }, files }: PodMembership): NetworkSandbox {
  return { ...(network !== "host" && { netnsPath: network }), ...files };
}

/**
 * The seam between containers and networks. `prepare` makes the namespace and, unless `deferConnect`, all endpoints;
 * `connect` makes the endpoints later, from inside the priority-0 barrier hook. `release` takes back everything and may be
 * called any number of times.
 */
export interface ContainerNetworks {
  /** Checks a create request's networks (unknown network, bad address, port already promised to it) and allocates nothing. */
  validate(config: ContainerCreateConfig): Promise<void>;
  prepare(container: NetworkedContainer, options: { deferConnect: boolean; signal?: AbortSignal }): Promise<NetworkSandbox>;
  connect(container: NetworkedContainer): Promise<void>;
  release(containerId: string): Promise<void>;
  /** Variables every process of the container has about those it is linked to. */
  linkEnvironment(container: NetworkedContainer): string[];
  /** `NetworkSettings` of inspect, running or not. */
  settings(container: NetworkedContainer): NetworkSettings;
  /** A running container has a new name: its networks know it by that one from now on. */
  rename(containerId: string, name: string): Promise<void>;
  /** Forgets what is remembered of a removed container. */
  forget(containerId: string): Promise<void>;
  /** Ids of the containers for which something of a network is there: a namespace, endpoints. */
  holding(): string[];
  /** After a daemon start: endpoints of running containers are taken up, those of others released, save what is set aside. */
  restore(running: NetworkedContainer[], setAside?: ReadonlySet<string>): Promise<void>;
}

/** A container as it is at the moment. */
export interface FoundContainer {
  container: NetworkedContainer;
  running: boolean;
}

/** What the network room asks of the container room. */
export interface NetworkContainers {
  /** By id, unique prefix or name; throws `notFound` with Docker's message. */
  find(ref: string): FoundContainer;
  /** Lets `work` see a container and change its networks while it neither starts nor is removed; in what order is the callers' chance. */
  locked<T>(ref: string, work: (found: FoundContainer) => Promise<T>): Promise<T>;
  /** Remembers the endpoints a container has after a connect or disconnect; durable when it resolves, as before when it rejects. */
  saveEndpoints(containerId: string, endpoints: Record<string, EndpointSettings>): Promise<void>;
}

/** `network` events as Docker names them: create, connect, disconnect, destroy. */
export interface NetworkEvents {
  publish(event: { type: "network"; action: string; id: string; attributes: Record<string, string> }): void;
}
