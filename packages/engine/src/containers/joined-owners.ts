import { internal } from "@pouchcontainer/errors";
import type { ContainerRecord } from "./container-record.ts";
import { joinedContainers, type JoinedContainer } from "./spec/index.ts";

/** A container whose namespaces another one joins. */
export interface NamespaceOwner {
  /** Absent while it does not run. */
  running?: JoinedContainer;
  /** Whether it lets others have its shared memory. */
  sharesIpc: boolean;
}

/**
 * Whose namespaces a container joins at this start, or dockerd's words, and its status, for who is not there or does not run. IPC is
 * asked for first, as there.
 */
export function joinedOwners(
  record: ContainerRecord,
  find: (ref: string) => NamespaceOwner | undefined,
): { pid?: JoinedContainer; ipc?: JoinedContainer } {
  const { pid, ipc } = joinedContainers(record);
  const joined: ReturnType<typeof joinedOwners> = {};
  if (ipc !== undefined) joined.ipc = sharing(ipc, find);
  if (pid !== undefined) joined.pid = running(pid, find, "", `cannot join PID of a non running container: ${pid}: `);
  return joined;
}

function sharing(ref: string, find: (ref: string) => NamespaceOwner | undefined): JoinedContainer {
  const prefix = `can't join IPC of container ${ref}: `;
  const owner = running(ref, find, prefix);
  if (find(ref)?.sharesIpc !== true)
    throw internal(`${prefix}non-shareable IPC (hint: use IpcMode:shareable for the donor container)`);
  return owner;
}

function running(
  ref: string,
  find: (ref: string) => NamespaceOwner | undefined,
  prefix: string,
  prefixOfAbsent = prefix,
): JoinedContainer {
  const owner = find(ref);
  if (owner === undefined) throw internal(`${prefixOfAbsent}No such container: ${ref}`);
  if (owner.running === undefined) throw internal(`${prefix}container ${ref} is not running`);
  return owner.running;
}
