import { conflict, invalidArgument, notFound } from "@pouchcontainer/errors";
import type { Container } from "./container.ts";

/**
 * All containers by id and by name. A name belongs to one container from before it is made until after it is gone; until it is made
 * nobody finds it.
 */
export class ContainerRegistry {
  readonly #byId = new Map<string, Container>();
  readonly #idByName = new Map<string, string>();

  get all(): Container[] {
    return [...this.#byId.values()];
  }

  get(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  /** Whether there is such a container, or one is being made: what is found of it is no stray. */
  knows(id: string): boolean {
    return this.#byId.has(id) || this.#idByName.values().some((holder) => holder === id);
  }

  add(container: Container): void {
    this.#byId.set(container.id, container);
    this.#idByName.set(container.record.name, container.id);
  }

  remove(container: Container): void {
    this.#byId.delete(container.id);
    this.releaseName(container.record.name, container.id);
  }

  reserveName(name: string, id: string): void {
    const holder = this.#idByName.get(name);
    if (holder !== undefined) {
      throw conflict(
        `Conflict. The container name "/${name}" is already in use by container "${holder}". ` +
          "You have to remove (or rename) that container to be able to reuse that name.",
      );
    }
    this.#idByName.set(name, id);
  }

  /** The container of that name, of those that are made. */
  holderOf(name: string): Container | undefined {
    return this.#byName(name);
  }

  isNameFree(name: string): boolean {
    return !this.#idByName.has(name);
  }

  releaseName(name: string, id: string): void {
    if (this.#idByName.get(name) === id) this.#idByName.delete(name);
  }

  /** By id, name, name of a link (`owner/alias`), or the beginning of an id that only one has. */
  find(ref: string): Container | undefined {
    const name = ref.replace(/^\//, "");
    const exact = this.#byId.get(ref) ?? this.#byName(name) ?? this.#byLink(name);
    if (exact) return exact;
    if (!/^[0-9a-f]+$/.test(ref)) return undefined;
    const matching = this.all.filter(({ id }) => id.startsWith(ref));
    if (matching.length > 1) throw invalidArgument(`multiple IDs found with provided prefix: ${ref}`);
    return matching[0];
  }

  /** The id that begins like this, where one alone does. */
  idOfPrefix(prefix: string): string | undefined {
    if (prefix === "") return undefined;
    const [id, second] = this.#byId.has(prefix) ? [prefix] : [...this.#byId.keys()].filter((each) => each.startsWith(prefix));
    return second === undefined ? id : undefined;
  }

  /** What other containers call a container: `/owner/alias`, for each that is called anything. */
  linkNames(): Map<string, string[]> {
    const names = new Map<string, string[]>();
    for (const { record } of this.#byId.values())
      for (const { id, alias } of record.links ?? []) names.set(id, [...(names.get(id) ?? []), `/${record.name}/${alias}`]);
    return names;
  }

  require(ref: string): Container {
    const container = this.find(ref);
    if (!container) throw notFound(`No such container: ${ref}`);
    return container;
  }

  #byName(name: string): Container | undefined {
    return this.#byId.get(this.#idByName.get(name) ?? "");
  }

  #byLink(name: string): Container | undefined {
    const [owner = "", alias] = name.split("/");
    const link = this.#byName(owner)?.record.links?.find((each) => each.alias === alias);
    return link && this.#byId.get(link.id);
  }
}
