import { internal, notFound } from "@pouchcontainer/errors";
import type { NetworkDriver } from "./drivers/network-driver.ts";
import { KeyedMutex } from "../keyed-mutex.ts";
import type { NetworkRecord } from "./network-record.ts";
import type { NetworkRegistry } from "./network-registry.ts";

/** The drivers by name. */
export interface DriverTable {
  get(name: string): NetworkDriver | undefined;
}

/** Which networks are in place in the kernel, and who makes those that are not: after a reboot none is. */
export class NetworkReadiness {
  readonly #drivers: DriverTable;
  readonly #ready = new Set<string>();
  readonly #removing = new Set<string>();
  readonly #mutex = new KeyedMutex();

  constructor(drivers: DriverTable) {
    this.#drivers = drivers;
  }

  driver(network: NetworkRecord): NetworkDriver {
    const driver = this.#drivers.get(network.driver);
    if (!driver) throw internal(`network ${network.name} needs the driver ${network.driver}, which this daemon does not have`);
    return driver;
  }

  /** Makes the network unless it is in place. */
  async ensure(network: NetworkRecord): Promise<void> {
    this.refuseRemoved(network);
    if (this.#isInPlace(network)) return;
    await this.#mutex.run(network.id, async () => {
      if (this.#isInPlace(network)) return;
      await this.driver(network).createNetwork(network);
      this.#ready.add(network.id);
    });
  }

  /** Also for as long as nobody has taken its device away. */
  #isInPlace(network: NetworkRecord): boolean {
    return this.#ready.has(network.id) && this.driver(network).hasDevice?.(network) !== false;
  }

  /** Takes the network and its record away; nobody gets into it from the first moment on. */
  async remove(network: NetworkRecord, registry: NetworkRegistry): Promise<void> {
    this.#removing.add(network.id);
    try {
      await this.#mutex.run(network.id, async () => {
        const driver = this.driver(network);
        await registry.beginRemoval(network);
        // Also when the removal fails half-way: what is left of it is made whole for who comes next.
        this.#ready.delete(network.id);
        try {
          await driver.removeNetwork(network);
          await registry.delete(network.id);
        } catch (error) {
          await registry.giveUpRemoval(network);
          throw error;
        }
      });
    } finally {
      this.#removing.delete(network.id);
    }
  }

  refuseRemoved(network: NetworkRecord): void {
    if (this.#removing.has(network.id)) throw notFound(`network ${network.name} not found`);
  }
}
