import type { LinkChange } from "../linux/link-changes.ts";
import type { NetworkRecord } from "../network-record.ts";
import type { EndpointRecord } from "../sandbox-record.ts";

/** Where an endpoint is made. */
export interface EndpointPlace {
  containerId: string;
  containerName: string;
  /** Path of the namespace. */
  netnsPath: string;
}

/**
 * How a kind of network is made. Every method may be called again after a crash: making what is there and taking away what
 * is gone both succeed. A method that throws leaves nothing behind.
 */
export interface NetworkDriver {
  readonly name: string;
  /** Containers of such a network find each other by name. */
  readonly resolvesNames: boolean;
  /** The host reaches its containers, so ports can be published to them. */
  readonly publishesPorts: boolean;
  /** Whether addresses come from the engine; if not the driver finds them itself. */
  managesAddresses(network: Pick<NetworkRecord, "options">): boolean;
  /** Refuses options it cannot serve, or not beside the `others` there are. Called before anything is allocated. */
  validate(network: NetworkRecord, others: NetworkRecord[]): void;
  createNetwork(network: NetworkRecord): Promise<void>;
  /** Whether the device is there that the network is made of; absent where there is none. */
  hasDevice?(network: NetworkRecord): boolean;
  removeNetwork(network: NetworkRecord): Promise<void>;
  /** What must be known to take the endpoint back, recorded before it is made: names on the host, whom to ask. */
  prepareEndpoint(network: NetworkRecord, endpoint: EndpointRecord): void;
  /**
   * Makes the interface in the namespace. Returns what is still to be done inside it (addresses, state), so
   * that the changes of all endpoints go together.
   * `changed` says that it wrote into the endpoint what is to be kept.
   */
  attach(
    network: NetworkRecord,
    endpoint: EndpointRecord,
    place: EndpointPlace,
  ): Promise<{ inside: LinkChange[]; changed?: boolean }>;
  /** Whether the interface is where `attach` made it. */
  isAttached(network: NetworkRecord, endpoint: EndpointRecord, place: EndpointPlace): boolean;
  /** Takes the interface away from a namespace that lives on. */
  detach(network: NetworkRecord, endpoint: EndpointRecord, place: EndpointPlace): Promise<void>;
  /** Takes back what a vanishing namespace does not take along; called while the namespace is still there. */
  forget(network: NetworkRecord, endpoint: EndpointRecord, place: EndpointPlace): Promise<void>;
  /** Resolves when nothing answers for the endpoint's addresses any more; nobody gets them before. */
  vanished(endpoint: EndpointRecord): Promise<void>;
}
