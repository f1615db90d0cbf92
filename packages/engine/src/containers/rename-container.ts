import { conflict, EngineError, invalidArgument } from "@pouchcontainer/errors";
import { checkedContainerName } from "./config/index.ts";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";

function newName(requested: string): string {
  try {
    return checkedContainerName(`/${requested.replace(/^\//, "")}`);
  } catch (thrown) {
    const cause = EngineError.from(thrown);
    throw new EngineError(cause.kind, `Error when allocating new name: ${cause.message}`, { cause });
  }
}

/** The new name is taken before the record says so, the old one given back after: nobody else can have either meanwhile. */
export async function renameContainer(room: ContainerRoom, container: Container, requested: string): Promise<void> {
  const oldName = container.record.name;
  if (requested === "") throw invalidArgument("Neither old nor new names may be empty");
  const name = newName(requested);
  if (name === oldName) throw invalidArgument("Renaming a container with the same name as its current name");
  if (container.removing) throw conflict(`container ${oldName} is marked for removal and cannot be renamed`);
  room.registry.reserveName(name, container.id);
  try {
    await container.change({ name });
  } catch (error) {
    // In memory the change is there already.
    container.note({ name: oldName });
    room.registry.releaseName(name, container.id);
    throw error;
  }
  room.registry.releaseName(oldName, container.id);
  await room.deps.networks.rename(container.id, name);
  publishContainerEvent(room.deps.events, container.record, "rename", { oldName: `/${oldName}` });
}
