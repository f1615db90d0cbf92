import type * as api from "@pouchcontainer/api";
import type { Container } from "./container.ts";
import { isPromisedGone, type ContainerRecord } from "./container-record.ts";
import type { ContainerRegistry } from "./container-registry.ts";
import type { ContainerRoom } from "./container-room.ts";
import { networkedContainer } from "./network-view.ts";
import { snapshotSizes } from "./snapshot-size.ts";
import { ContainerSummaries, containerInspect, containerPredicate, filtersImplyAll } from "./views/index.ts";

export function inspectContainer(
  { deps, registry }: ContainerRoom,
  container: Container,
  size?: { rw: number; rootFs: number },
): api.ContainerInspect {
  const { record, directory, execIds } = container;
  return containerInspect(record, {
    execIds,
    networkSettings: deps.networks.settings(networkedContainer(record, directory)),
    links: linksView(registry, record),
    pluginCalls: deps.chains.traceOf(record.id),
    ...(size ? { size } : {}),
  });
}

/** `HostConfig.Links` as inspect shows them: `/db:/web/database`, in the names both have now. */
function linksView(registry: ContainerRegistry, { name, links }: ContainerRecord): string[] | undefined {
  return links?.map((link) => `/${registry.get(link.id)?.record.name ?? link.name}:/${name}/${link.alias}`);
}

/** The container list; entries are made once and kept while nothing of them changes. */
export class ContainerList {
  readonly #room: ContainerRoom;
  readonly #summaries = new ContainerSummaries();
  /** A container that does not run has the network settings of its record: no need to ask again. */
  readonly #settings = new WeakMap<ContainerRecord, api.NetworkSettings>();

  constructor(room: ContainerRoom) {
    this.#room = room;
  }

  async list(options: {
    all: boolean;
    limit?: number;
    size: boolean;
    filters: Record<string, string[]>;
  }): Promise<api.ContainerSummary[]> {
    const { registry, deps } = this.#room;
    const { filters, limit = 0 } = options;
    const ancestors = await this.#imageIds(filters["ancestor"] ?? []);
    const matches = containerPredicate(filters, {
      container: (ref) => registry.find(ref)?.record,
      idOfPrefix: (prefix) => registry.idOfPrefix(prefix),
      imageIds: (reference) => ancestors.get(reference) ?? [],
      networkSettings: (record) => this.#networkSettings(record),
    });
    const everything = options.all || limit > 0 || filtersImplyAll(filters);
    const now = deps.clock.now();
    const containers = registry.all
      .filter(({ record }) => (everything || isShown(record)) && !isPromisedGone(record) && matches(record))
      .sort((one, other) => (one.record.created < other.record.created ? 1 : -1))
      .slice(0, limit > 0 ? limit : undefined);
    const names = registry.linkNames();
    const summaries = containers.map(({ record }) => {
      const linkNames = names.get(record.id);
      const facts = { networkSettings: this.#networkSettings(record), image: record.image.reference };
      return this.#summaries.summary(record, linkNames ? { ...facts, linkNames } : facts, now);
    });
    if (!options.size) return summaries;
    const sizes = await snapshotSizes(
      deps,
      containers.map(({ record }) => record),
    );
    return summaries.map((summary, index) => ({
      ...summary,
      SizeRw: sizes[index]?.rw ?? 0,
      SizeRootFs: sizes[index]?.rootFs ?? 0,
    }));
  }

  forget(id: string): void {
    this.#summaries.forget(id);
  }

  #networkSettings(record: ContainerRecord): api.NetworkSettings {
    const known = this.#settings.get(record);
    if (known) return known;
    const container = this.#room.registry.get(record.id);
    const settings = this.#room.deps.networks.settings(networkedContainer(record, container?.directory ?? ""));
    // While it runs its networks may change without its record.
    if (!container?.isRunning) this.#settings.set(record, settings);
    return settings;
  }

  async #imageIds(references: string[]): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    for (const reference of references) {
      const image = await this.#room.deps.images.resolve(reference).catch(() => undefined);
      found.set(reference, image ? [image.id] : []);
    }
    return found;
  }
}

function isShown({ state }: ContainerRecord): boolean {
  return state.status === "running" || state.status === "paused" || state.status === "restarting";
}
