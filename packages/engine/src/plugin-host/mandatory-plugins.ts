import { unavailable } from "@pouchcontainer/errors";
import type { ContainerCreateConfig } from "@pouchcontainer/api";
import type { PluginRegistry } from "./plugin-registry.ts";
import type { TraceEntry } from "./trace-entry.ts";

/** Names, separated by commas, of plugins that have to admit the container that has it. */
export const mandatoryLabel = "io.pouchcontainer.mandatory-plugins";

/** Points at which a plugin admits a container. */
const admitting = ["container.preCreate", "container.validateCreate"] as const;

/**
 * Plugins without which no container is made: each has to be called at both points of a create, as far as it has them, and not to fail. The
 * configuration names those of every container, a label of the container or of its image those of one more; nobody takes a name away.
 */
export class MandatoryPlugins {
  readonly #registry: PluginRegistry;
  readonly #names: readonly string[];

  constructor(registry: PluginRegistry, names: readonly string[]) {
    this.#registry = registry;
    this.#names = names;
  }

  /** Throws when one is missing among the calls that were made for a create. `bodies`: the request as its client sent it, as each plugin left it, over CRI those of its own point too, and as it is now. */
  check(bodies: readonly ContainerCreateConfig[], calls: readonly TraceEntry[]): void {
    const names = new Set([...this.#names, ...bodies.flatMap(({ Labels }) => namesInLabel(Labels))]);
    this.#require(names, calls, (name) => `no container is created without the mandatory plugin "${name}"`);
  }

  /** The same of those that the image's own label names, when the image is known: what it has, a container of it has, and shows. */
  checkImage(labels: Readonly<Record<string, string>> | undefined, calls: readonly TraceEntry[]): void {
    const demand = (name: string): string =>
      `no container of this image is created without the mandatory plugin "${name}", which its label ${mandatoryLabel} names`;
    this.#require(new Set(namesInLabel(labels)), calls, demand);
  }

  #require(names: ReadonlySet<string>, calls: readonly TraceEntry[], demand: (name: string) => string): void {
    for (const name of names) {
      const problem = this.#problem(name, calls);
      if (problem !== undefined) throw unavailable(`${demand(name)}: ${problem}`);
    }
  }

  /** Those of the configuration without which no create succeeds now. */
  get missing(): string[] {
    return this.#names.filter((name) => {
      const slot = this.#registry.get(name);
      return slot?.instance === undefined || slot.mode === "shadow";
    });
  }

  #problem(name: string, calls: readonly TraceEntry[]): string | undefined {
    const slot = this.#registry.get(name);
    const manifest = slot?.instance?.manifest;
    if (manifest === undefined) return "it is not installed, or disabled; install or enable it";
    if (slot?.mode === "shadow")
      return `it is in shadow mode, in which it admits nothing; \`pouch plugin set-mode ${name} active\` makes its calls count`;
    const points = admitting.filter((point) => manifest.points[point] !== undefined);
    if (points.length === 0) return `it has neither of the points ${admitting.join(" and ")}`;
    for (const point of points) {
      const call = calls.findLast((entry) => entry.plugin === name && entry.point === point && entry.shadow !== true);
      if (call === undefined) return `it was not called at ${point}, as its filters leave this request out`;
      if (call.outcome !== "changed" && call.outcome !== "unchanged") return `it has not admitted this one: ${call.error}`;
    }
    return undefined;
  }
}

function namesInLabel(labels: Readonly<Record<string, string>> | undefined): string[] {
  const label = labels?.[mandatoryLabel];
  if (label === undefined) return [];
  return label
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
