import { forbidden, invalidArgument } from "@pouchcontainer/errors";
import { addressToNumber, contains, numberToAddress, parseCidr, within, type Cidr } from "./cidr.ts";

export interface AddressPoolConfig {
  subnet: string;
  /** Part of the subnet that addresses nobody asked for are taken from. */
  range?: string | undefined;
  gateway?: string | undefined;
  auxiliary?: Record<string, string> | undefined;
}

/**
 * The addresses of one subnet. Who holds what is remembered by the owner (endpoint records); this is the fast answer to
 * "which one is free", rebuilt from those records at every start. Everything here happens in one tick, so two containers
 * never get the same address.
 */
export class AddressPool {
  readonly subnet: Cidr;
  readonly gateway: string;
  readonly #range: Cidr;
  readonly #used = new Set<bigint>();

  constructor(config: AddressPoolConfig) {
    this.subnet = parseCidr(config.subnet);
    this.#range = config.range === undefined || config.range === "" ? this.subnet : parseCidr(config.range);
    if (!within(this.#range, this.subnet))
      throw invalidArgument(`invalid ip-range ${config.range}: it is outside the subnet ${this.subnet.text}`);
    for (const [name, address] of Object.entries(config.auxiliary ?? {})) {
      this.#mustContain(address, `auxiliary address ${name}`);
      this.#used.add(addressToNumber(address));
    }
    if (config.gateway !== undefined && config.gateway !== "") {
      this.#mustContain(config.gateway, "gateway");
      this.gateway = config.gateway;
      this.#used.add(addressToNumber(config.gateway));
    } else {
      const free = this.#firstFree(this.subnet);
      if (free === undefined) throw invalidArgument(`the subnet ${this.subnet.text} has no room for a gateway`);
      this.#used.add(free);
      this.gateway = numberToAddress(free, this.subnet.family);
    }
  }

  /** An address nobody holds, or undefined when all are held. */
  take(): string | undefined {
    const free = this.#firstFree(this.#range);
    if (free === undefined) return undefined;
    this.#used.add(free);
    return numberToAddress(free, this.subnet.family);
  }

  contains(address: string): boolean {
    return contains(this.subnet, address);
  }

  /** Takes this very address; `forbidden` (Docker's words) when it is held. */
  takeExactly(address: string): string {
    const value = addressToNumber(address);
    if (this.#used.has(value) || this.#isReserved(value)) throw forbidden("Address already in use");
    this.#used.add(value);
    return numberToAddress(value, this.subnet.family);
  }

  /** Marks an address as held, for records found at start. */
  hold(address: string): void {
    this.#used.add(addressToNumber(address));
  }

  give(address: string): void {
    if (address !== this.gateway) this.#used.delete(addressToNumber(address));
  }

  #mustContain(address: string, what: string): void {
    if (!contains(this.subnet, address)) throw invalidArgument(`no matching subnet for ${what} ${address}`);
  }

  /** Network and broadcast address; point-to-point and single-address subnets (RFC 3021) have neither. */
  #isReserved(value: bigint): boolean {
    const { first, last, family } = this.subnet;
    if (last - first < 2n) return false;
    return value === first || (family === 4 && value === last);
  }

  #firstFree(range: Cidr): bigint | undefined {
    for (let value = range.first; value <= range.last; value++) {
      if (!this.#used.has(value) && !this.#isReserved(value)) return value;
    }
    return undefined;
  }
}
