import type { PluginChains } from "../plugin-host/chains.ts";
import type { Store } from "../store/index.ts";
import type { NetworkContainers, NetworkEvents } from "./container-networks.ts";
import { goTime } from "./go-time.ts";
import { Libc } from "./linux/libc.ts";
import { NetworkNamespaces } from "./linux/network-namespaces.ts";
import { NetworkManager } from "./network-manager.ts";
import type { NetworkRecord } from "./network-record.ts";
import { NetworkRegistry, newId } from "./network-registry.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import { Sandboxes } from "./sandboxes.ts";

export interface NetworksConfig {
  /** Folder of the namespaces' mount points, below the daemon's exec root; two daemons need two. */
  namespacesDirectory: string;
  /** Where the host's `etc/hosts` and `etc/resolv.conf` are; default "", the machine itself. */
  hostRoot?: string;
}

export interface NetworksDeps {
  config: NetworksConfig;
  store: Pick<Store, "collection">;
  chains: Pick<PluginChains, "preCreateEndpoint">;
  events: NetworkEvents;
  containers: NetworkContainers;
  clock?: () => Date;
}

export interface Networks {
  /** The networks API. */
  manager: NetworkManager;
  /** What the container room uses. */
  sandboxes: Sandboxes;
  /** Ends what belongs to this process; the kernel state of running containers stays. */
  close(): Promise<void>;
}

/** Builds the network room. The predefined networks exist, with the ids they had before, when it resolves. */
export async function openNetworks(deps: NetworksDeps): Promise<Networks> {
  const registry = new NetworkRegistry(deps.store.collection<NetworkRecord>("networks"));
  const now = (deps.clock ?? (() => new Date()))();
  for (const [name, driver] of [
    ["host", "host"],
    ["none", "null"],
  ] as const) {
    if (!registry.byName(name)) await registry.put(predefined(name, driver, now));
  }
  const namespaces = new NetworkNamespaces({ libc: new Libc(), directory: deps.config.namespacesDirectory });
  const { containers, events } = deps;
  const sandboxes = new Sandboxes({
    registry,
    namespaces,
    containers,
    sandboxes: deps.store.collection<SandboxRecord>("sandboxes"),
    hostRoot: deps.config.hostRoot ?? "",
  });
  return {
    manager: new NetworkManager({ registry, containers, events }),
    sandboxes,
    close: async () => namespaces.close(),
  };
}

function predefined(name: string, driver: string, now: Date): NetworkRecord {
  return {
    id: newId(),
    name,
    created: goTime(now),
    driver,
    internal: false,
    attachable: false,
    ingress: false,
    configOnly: false,
    configFrom: "",
    enableIPv4: true,
    enableIPv6: false,
    ipam: { driver: "default", options: null, config: [] },
    options: {},
    labels: {},
  };
}
