import { messageChain } from "@pouchcontainer/errors";
import type { AddressManager } from "./ipam/address-manager.ts";
import type { NetworkReadiness } from "./network-readiness.ts";
import type { NetworkRegistry } from "./network-registry.ts";

interface Rooms {
  registry: NetworkRegistry;
  readiness: NetworkReadiness;
  warn: (message: string) => void;
}

/** Finishes the removals that a daemon was killed over. One that cannot be finished now leaves a network that can be removed again. */
export async function finishRemovals({
  registry,
  readiness,
  addresses,
  warn,
}: Rooms & { addresses: AddressManager }): Promise<void> {
  for (const network of registry.all().filter(({ removing }) => removing)) {
    try {
      await readiness.remove(network, registry);
      addresses.remove(network.id);
    } catch (error) {
      warn(`the removal of network ${network.name}, which was begun, cannot be finished: ${messageChain(error)}`);
    }
  }
}

/**
 * Puts in place what is not: after a reboot no bridge is there, and a daemon may have been killed before it made one. The default
 * one comes first, and one after the other: requests are served meanwhile.
 */
export async function restoreBridges({ registry, readiness, warn }: Rooms): Promise<void> {
  const bridges = registry.all().filter(({ driver, configOnly }) => driver === "bridge" && !configOnly);
  for (const network of bridges.toSorted((a, b) => Number(b.name === "bridge") - Number(a.name === "bridge"))) {
    // Removed meanwhile.
    if (registry.byId(network.id) === undefined) continue;
    try {
      await readiness.ensure(network);
    } catch (error) {
      if (registry.byId(network.id) !== undefined)
        warn(`the bridge of network ${network.name} is not in place: ${messageChain(error)}`);
    }
  }
}
