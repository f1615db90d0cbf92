import { internal, invalidArgument } from "@pouchcontainer/errors";
import { Libc } from "@pouchcontainer/linux";
import { startProgram } from "@pouchcontainer/owners";
import type { PluginChains } from "../plugin-host/chains.ts";
import type { Store } from "../store/index.ts";
import type { NetworkContainers, NetworkEvents } from "./container-networks.ts";
import { NameDirectory } from "./dns/name-directory.ts";
import { PendingQueries } from "./dns/pending-queries.ts";
import { bareDriver } from "./drivers/bare-driver.ts";
import { Bandwidth } from "./drivers/bandwidth.ts";
import { CniRunner } from "./cni/cni-runner.ts";
import { BridgeDriver } from "./drivers/bridge-driver.ts";
import { Drivers } from "./drivers/drivers.ts";
import type { NetworkDriver } from "./drivers/network-driver.ts";
import { SubInterfaceDriver } from "./drivers/sub-interface-driver.ts";
import { checkTableName } from "./firewall/check-table-name.ts";
import { DockerForwarding } from "./firewall/docker-forwarding.ts";
import { Firewall } from "./firewall/firewall.ts";
import { PublishedFlows } from "./firewall/published-flows.ts";
import { AddressManager } from "./ipam/address-manager.ts";
import { canonicalAddress } from "./ipam/cidr.ts";
import { hostRoutes } from "./ipam/host-routes.ts";
import { linkHosts } from "./legacy-links.ts";
import { IpShell } from "./linux/ip-shell.ts";
import { Links } from "./linux/links.ts";
import { NetworkNamespaces } from "./linux/network-namespaces.ts";
import { UdpFlows } from "./linux/udp-flows.ts";
import { NftShell } from "./linux/nft-shell.ts";
import type { NetworksConfig } from "./network-config.ts";
import { NetworkManager } from "./network-manager.ts";
import { NetworkReadiness } from "./network-readiness.ts";
import type { NetworkRecord } from "./network-record.ts";
import { NetworkRegistry } from "./network-registry.ts";
import { bareNetwork, defaultBridge } from "./predefined-networks.ts";
import { PortAllocator } from "./ports/port-allocator.ts";
import { RelayBudget } from "./ports/relay-budget.ts";
import { firewallPorts } from "./sandbox-ports.ts";
import { SandboxContent } from "./sandbox-content.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";
import { finishRemovals, restoreBridges } from "./recover-networks.ts";
import { Sandboxes } from "./sandboxes.ts";

/** Queries of all containers that may wait for outside name servers at once; each takes a descriptor. */
const maximumPendingQueries = 1_024;

export interface NetworksDeps {
  config: NetworksConfig;
  store: Pick<Store, "collection">;
  chains: Pick<PluginChains, "change" | "preCreateEndpoint">;
  events: NetworkEvents;
  containers: NetworkContainers;
  env: NodeJS.ProcessEnv;
  warn: (message: string) => void;
  clock?: () => Date;
}

export interface Networks {
  /** The networks API. */
  manager: NetworkManager;
  /** What the container room uses. */
  sandboxes: Sandboxes;
  /** Resolves when the bridges are in place, or could not be (then it is tried again with the first container). */
  ready: Promise<void>;
  /** Puts the firewall table back now if it was changed; true when it had to. */
  verifyFirewall(): Promise<boolean>;
  /** Ends what belongs to this process; the kernel state of running containers stays. */
  close(): Promise<void>;
  /** `close`, and takes the default bridge and the rules away: nothing of the networks is left on the machine. */
  destroy(): Promise<void>;
}

/** Builds the network room. The predefined networks exist, with the ids they had before, when it resolves. */
export async function openNetworks(deps: NetworksDeps): Promise<Networks> {
  const { config, env, warn, containers, events, chains } = deps;
  const clock = deps.clock ?? (() => new Date());
  const registry = new NetworkRegistry(deps.store.collection<NetworkRecord>("networks"));
  const addresses = new AddressManager();
  await checkTableName(config.nftTable, env);
  const libc = Libc.load();
  if (libc === undefined)
    throw internal("networks need Node's foreign function interface: start the daemon with --experimental-ffi");
  const namespaces = new NetworkNamespaces({ libc, directory: config.namespacesDirectory });
  const sandboxRecords = deps.store.collection<SandboxRecord>("sandboxes");
  const endpointsInPlace = (networkId: string): EndpointRecord[] =>
    [...sandboxRecords.values()]
      .filter(({ containerId }) => namespaces.exists(containerId))
      .flatMap(({ endpoints }) => endpoints.filter((endpoint) => endpoint.networkId === networkId));
  await recordPredefined({ registry, config, endpointsInPlace, warn }, clock());
  for (const network of registry.all()) if (!network.configOnly) addresses.add(network);

  const ipShell = () =>
    new IpShell(() => startProgram("ip", ["-force", "-batch", "-"], { env, packageName: "iproute2", neededForStop: true }));
  const [ip, reaper] = [ipShell(), ipShell()];
  const nft = new NftShell({ env });
  const links = new Links(libc);
  refuseOtherDevice(links, config.bridge.name);
  const flows = new PublishedFlows({ flows: new UdpFlows(libc), links, warn });
  const { nftTable: table, verifyRulesMilliseconds: verifyMilliseconds } = config;
  const firewall = new Firewall({ nft, table, flows, verifyMilliseconds, warn });
  const dockerForwarding = new DockerForwarding({ env });
  const bandwidth = new Bandwidth({ namespaces, env });
  const { bridgePrefix, vethPrefix, ipForward, userlandProxy, defaultHostAddress } = config;
  const bridge = new BridgeDriver({
    ip,
    reaper,
    links,
    firewall,
    dockerForwarding,
    namespaces,
    bandwidth,
    bridgePrefix,
    vethPrefix,
    ipForward,
    gatewaysInUse: (networkId) => gatewaysTo(endpointsInPlace(networkId)),
    warn,
  });
  const endpoints = [...sandboxRecords.values()].flatMap((sandbox) => sandbox.endpoints);
  firewall.remember(
    registry
      .all()
      .flatMap((network) => (network.driver === "bridge" && !network.configOnly ? [bridge.firewallNetwork(network)] : [])),
    endpoints.flatMap(firewallPorts),
    endpoints.flatMap((endpoint) => endpoint.openings),
  );
  const builtIn: NetworkDriver[] = [
    bridge,
    new SubInterfaceDriver({ kind: "macvlan", ip, links, namespaces, bandwidth, env }),
    new SubInterfaceDriver({ kind: "ipvlan", ip, links, namespaces, bandwidth, env }),
    bareDriver("host"),
    bareDriver("null"),
  ];
  const cni = new CniRunner({ binDirectories: config.cniBinDirectories, env });
  const drivers = new Drivers(builtIn, { runner: cni, configDirectory: config.cniConfigDirectory });
  const readiness = new NetworkReadiness(drivers);
  const content: SandboxContent = new SandboxContent({
    hostRoot: config.hostRoot,
    dns: config.dns,
    hostGateway: () => (config.hostGateway.length > 0 ? config.hostGateway : gatewaysOf(registry.byName("bridge"))),
    links: (container) => linkHosts(container, (ref) => sandboxes.bridgeNeighbour(ref)),
    warn,
  });
  const allocator = new PortAllocator(libc);
  const sandboxes: Sandboxes = new Sandboxes({
    registry,
    records: sandboxRecords,
    readiness,
    addresses,
    names: new NameDirectory(),
    pending: new PendingQueries(maximumPendingQueries),
    namespaces,
    libc,
    content,
    chains,
    events,
    containers,
    warn,
    allocator,
    firewall,
    userlandProxy,
    relays: RelayBudget.ofProcess(),
    defaultHostAddress,
  });
  await finishRemovals({ registry, readiness, addresses, warn });
  const ready = dockerForwarding.askingOnce(() => restoreBridges({ registry, readiness, warn }));
  const close = async () => {
    await ready;
    await sandboxes.close();
    await firewall.stop();
    ip.close();
    reaper.close();
    nft.close();
    namespaces.close();
  };
  return {
    manager: new NetworkManager({
      registry,
      drivers,
      readiness,
      addresses,
      sandboxes,
      containers,
      chains,
      events,
      defaultPools: config.defaultPools,
      clock,
    }),
    sandboxes,
    ready,
    verifyFirewall: () => firewall.verify(),
    close,
    destroy: async () => {
      await ready;
      await sandboxes.settled();
      for (const network of registry.all()) if (!network.configOnly) await readiness.driver(network).removeNetwork(network);
      await firewall.remove();
      await close();
    },
  };
}

async function recordPredefined(
  {
    registry,
    config,
    endpointsInPlace,
    warn,
  }: Pick<NetworksDeps, "config" | "warn"> & {
    registry: NetworkRegistry;
    endpointsInPlace: (networkId: string) => EndpointRecord[];
  },
  now: Date,
): Promise<void> {
  for (const name of ["host", "none"] as const) if (!registry.byName(name)) await registry.put(bareNetwork(name, now));
  const before = registry.byName("bridge");
  if (config.bridge.name === "none") {
    if (before === undefined) return;
    if (endpointsInPlace(before.id).length === 0) return registry.beginRemoval(before);
    warn("the default bridge, which is not wanted any more, stays until a start without running containers in it");
    return;
  }
  const others = registry.all().filter((network) => network.id !== before?.id && !network.configOnly);
  const networks = others.flatMap((network) => AddressManager.poolsOf(network).map((pool) => pool.subnet));
  const record = defaultBridge(
    config.bridge,
    { defaultPools: config.defaultPools, networks, hostRoutes: hostRoutes() },
    before,
    now,
  );
  if (JSON.stringify(record) !== JSON.stringify(before)) await registry.put(record);
}

/** What is no bridge now will be none when the first container needs it. */
function refuseOtherDevice(links: Links, bridge: string): void {
  const link = bridge === "none" ? undefined : links.find(bridge);
  if (link && link.kind !== "bridge")
    throw invalidArgument(
      `--bridge-name: this host has an interface ${bridge} that is no bridge: give the name of a bridge, or a free one`,
    );
}

function gatewaysTo(endpoints: EndpointRecord[]): Set<string> {
  const gateways = endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4?.gateway, ipv6?.gateway]);
  return new Set(gateways.flatMap((gateway) => (gateway === undefined ? [] : [canonicalAddress(gateway)])));
}

function gatewaysOf(network: NetworkRecord | undefined): string[] {
  return network?.ipam.config.flatMap((pool) => (pool.Gateway === undefined ? [] : [pool.Gateway])) ?? [];
}
