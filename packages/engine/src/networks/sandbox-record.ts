import type { CniNetworkList, CniResult } from "./cni/cni-config.ts";
import type { CniTarget } from "./cni/cni-runner.ts";

/** An address of an endpoint, with the length of its subnet's prefix. */
export interface EndpointAddress {
  address: string;
  prefixLength: number;
  /** Absent in a network without a way out of it. */
  gateway?: string;
  /** Routes go through the interface itself, without a gateway. */
  onDevice?: boolean;
}

export type PortProtocol = "tcp" | "udp" | "sctp";

/** One way that is open although containers of the network may not talk to each other. */
export interface FirewallLink {
  from: string;
  to: string;
  protocol: PortProtocol;
  port: number;
}

/** One container port at one place on the host. */
export interface PublishedPort {
  protocol: PortProtocol;
  containerPort: number;
  hostAddress: string;
  hostPort: number;
}

/** What CNI plugins were asked for an endpoint, which is what it is asked back of, whatever the configuration has become. */
export interface CniEndpoint {
  list: CniNetworkList;
  /** This and `result` are absent until the plugins have answered. */
  target?: CniTarget;
  result?: CniResult;
}

/** What is held for one container in one network. */
export interface EndpointRecord {
  /** 64 lower-case hex digits. */
  id: string;
  networkId: string;
  networkName: string;
  driver: string;
  /** Name of the interface inside the namespace. */
  interfaceName: string;
  /** Its other end on the host, where the driver has one. */
  hostInterface?: string;
  macAddress: string;
  ipv4?: EndpointAddress;
  ipv6?: EndpointAddress;
  /** A network nobody gets out of gives no default route. */
  internal: boolean;
  ports: PublishedPort[];
  /** Ways opened for this endpoint in a network whose containers may not talk to each other. */
  openings: FirewallLink[];
  priority: number;
  disableResolver: boolean;
  genericParams: Record<string, unknown>;
  driverOptions: Record<string, string>;
  /** Names other containers of the network reach this one by. */
  dnsNames: string[];
  aliases: string[];
  /** `container:alias` pairs of this endpoint. */
  links: string[];
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
  /** Present where CNI plugins make it. */
  cni?: CniEndpoint;
}

/** Everything held for one container's network: written before any of it is used, removed after all of it is given back. */
export interface SandboxRecord {
  containerId: string;
  containerName: string;
  /** 64 lower-case hex digits; inspect's SandboxID. */
  sandboxId: string;
  mode: "namespace" | "host";
  endpoints: EndpointRecord[];
  /** Of a container in `host` or `none`, which give it nothing: still it is in there, under this id (64 lower-case hex digits). */
  bare?: { id: string; networkName: "host" | "none" };
  /** Ports of 127.0.0.11 the embedded resolver listens on, where there is one. */
  resolver?: { udpPort: number; tcpPort: number };
}
