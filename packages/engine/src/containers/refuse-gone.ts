import { conflict, notFound } from "@pouchcontainer/errors";
import type { Container } from "./container.ts";
import { isHalfRemoved } from "./container-record.ts";

/** What is being removed, or was in part, can only go on being removed: `refusal` says what else was asked of it. */
export function refuseGone({ id, removed, removing, state }: Container, refusal: string): void {
  if (removed) throw notFound(`No such container: ${id}`);
  if (removing || isHalfRemoved(state)) throw conflict(refusal);
}
