import { invalidArgument, notFound } from "@pouchcontainer/errors";
import { randomBytes } from "node:crypto";
import type { Collection } from "../store/index.ts";
import type { NetworkRecord } from "./network-record.ts";

/** 64 hex digits, as every id of the engine. */
export function newId(): string {
  return randomBytes(32).toString("hex");
}

/** The networks there are, by id and name. */
export class NetworkRegistry {
  readonly #records: Collection<NetworkRecord>;

  constructor(records: Collection<NetworkRecord>) {
    this.#records = records;
  }

  all(): NetworkRecord[] {
    return [...this.#records.values()];
  }

  byId(id: string): NetworkRecord | undefined {
    return this.#records.get(id);
  }

  byName(name: string): NetworkRecord | undefined {
    for (const record of this.#records.values()) if (record.name === name) return record;
    return undefined;
  }

  /** By full id, then name, then prefix of an id; Docker's order. */
  find(ref: string): NetworkRecord | undefined {
    const exact = this.byId(ref) ?? this.byName(ref);
    if (exact || ref === "") return exact;
    const matches = this.all().filter((record) => record.id.startsWith(ref));
    if (matches.length > 1)
      throw invalidArgument(`network ${ref} is ambiguous (${matches.length} matches found based on ID prefix)`);
    return matches[0];
  }

  require(ref: string): NetworkRecord {
    const record = this.find(ref);
    if (!record) throw notFound(`network ${ref} not found`);
    return record;
  }

  async put(record: NetworkRecord): Promise<void> {
    await this.#records.put(record.id, record);
  }

  /** Before anything of it is taken away. Needs no room on the disk, as the removal that follows. */
  async beginRemoval(record: NetworkRecord): Promise<void> {
    await this.#records.put(record.id, { ...record, removing: true }, { happened: true });
  }

  /** A removal that failed: the network is made whole when it is next needed. */
  async giveUpRemoval(record: NetworkRecord): Promise<void> {
    await this.#records.put(record.id, { ...record, removing: false }, { happened: true });
  }

  async delete(id: string): Promise<void> {
    await this.#records.delete(id);
  }
}
