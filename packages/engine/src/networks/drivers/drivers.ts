import { CniDriver } from "../cni/cni-driver.ts";
import type { CniRunner } from "../cni/cni-runner.ts";
import type { NetworkDriver } from "./network-driver.ts";

/** The drivers by name: ours, and every CNI plugin the machine has (`ptp`, or `cni:bridge` where a name is taken). */
export class Drivers {
  readonly #builtIn: ReadonlyMap<string, NetworkDriver>;
  readonly #cni: { runner: CniRunner; configDirectory: string };
  readonly #found = new Map<string, NetworkDriver>();

  constructor(builtIn: NetworkDriver[], cni: { runner: CniRunner; configDirectory: string }) {
    this.#builtIn = new Map(builtIn.map((driver) => [driver.name, driver]));
    this.#cni = cni;
  }

  /** What `docker info` lists under network plugins. */
  names(): string[] {
    return [...this.#builtIn.keys()].sort();
  }

  get(name: string): NetworkDriver | undefined {
    const known = this.#builtIn.get(name) ?? this.#found.get(name);
    if (known) return known;
    const isList = name === "cni";
    if (!isList && this.#cni.runner.find(name.replace(/^cni:/, "")) === undefined) return undefined;
    const driver = new CniDriver({ ...this.#cni, name });
    this.#found.set(name, driver);
    return driver;
  }
}
