import type { ContainerRecord, CriIdentity, PodMembership } from "@pouchcontainer/engine";
import { isPromisedGone } from "@pouchcontainer/engine";
import { failedPrecondition, invalidArgument, notFound } from "@pouchcontainer/errors";
import type { CriContainers } from "./containers-deps.ts";

/** A container of a pod that was made over CRI. */
export interface PodContainer extends ContainerRecord {
  pod: PodMembership;
  cri: NonNullable<ContainerRecord["cri"]> & { identity: CriIdentity };
}

export function isPodContainer(record: ContainerRecord): record is PodContainer {
  return record.pod !== undefined && record.cri?.identity !== undefined && !isPromisedGone(record);
}

/** Containers of pods, but for those that were told to be gone; those of Docker's clients are not CRI's. */
export function podContainers(containers: Pick<CriContainers, "records">): PodContainer[] {
  return containers.records().filter(isPodContainer);
}

/** By id, or a prefix of it that only one has; never by name. */
export function findContainer(containers: Pick<CriContainers, "records">, ref: string): PodContainer | undefined {
  if (ref === "") throw invalidArgument("the request names no container");
  const matching = podContainers(containers).filter(({ id }) => id.startsWith(ref));
  const exact = matching.find(({ id }) => id === ref);
  if (exact === undefined && matching.length > 1)
    throw invalidArgument(`more than one container has an id with the prefix ${ref}`);
  return exact ?? matching[0];
}

export function requireContainer(containers: Pick<CriContainers, "records">, ref: string): PodContainer {
  const found = findContainer(containers, ref);
  if (found === undefined) throw notFound(`no such container: ${ref}`);
  return found;
}

/** For what needs a process. */
export function requireRunning(containers: Pick<CriContainers, "records">, ref: string): PodContainer {
  const found = requireContainer(containers, ref);
  if (found.state.status !== "running")
    throw failedPrecondition(`container ${found.id} is not running: it is ${found.state.status}`);
  return found;
}
