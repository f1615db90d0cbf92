import type * as api from "@pouchcontainer/api";
import { invalidArgument, notFound } from "@pouchcontainer/errors";
import type { ContainerRoom } from "../container-room.ts";
import { adoptOrphan } from "./adopt-orphan.ts";
import type { Orphan } from "./orphan.ts";
import { removeOrphan } from "./remove-orphan.ts";

/** The operator's say in what was set aside. */
export class Orphans {
  readonly #room: ContainerRoom;

  constructor(room: ContainerRoom) {
    this.#room = room;
  }

  async list(): Promise<api.Orphan[]> {
    return [...this.#room.orphans.values()].map(view);
  }

  /** Makes it a container again, with the record that lies beside it. */
  async adopt(ref: string): Promise<void> {
    const orphan = this.#require(ref);
    await adoptOrphan(this.#room, orphan);
    this.#room.deps.log.info("adopted a container that was set aside", { container: orphan.id });
  }

  /** Ends what runs of it and removes its files. */
  async remove(ref: string): Promise<void> {
    const orphan = this.#require(ref);
    await removeOrphan(this.#room, orphan);
    this.#room.orphans.delete(orphan.id);
    this.#room.deps.log.info("removed a container that was set aside", { container: orphan.id });
  }

  #require(ref: string): Orphan {
    const matching = [...this.#room.orphans.values()].filter(({ id }) => ref !== "" && id.startsWith(ref));
    const [orphan] = matching;
    if (!orphan) throw notFound(`No such orphan: ${ref}`);
    if (matching.length > 1) throw invalidArgument(`multiple IDs found with provided prefix: ${ref}`);
    return orphan;
  }
}

function view({ id, task, snapshotter, record }: Orphan): api.Orphan {
  return {
    Id: id,
    Name: record?.name ?? "",
    Image: record?.image.reference ?? "",
    Created: record?.created ?? "",
    State: task?.status ?? "none",
    Snapshotter: snapshotter ?? "",
    Adoptable: record !== undefined,
  };
}
