import { conflict, failedPrecondition } from "@pouchcontainer/errors";
import type { Container } from "../containers/container.ts";

/** `ref` is what the client calls the container: of one that is paused dockerd says it, of others the id. */
export function refuseUnlessRunning(container: Container, ref = container.id): void {
  const { status } = container.state;
  if (status === "paused") throw conflict(`Container ${ref} is paused, unpause the container before exec`);
  if (status === "restarting") throw conflict(`Container ${container.id} is restarting, wait until the container is running`);
  if (status !== "running") throw conflict(`container ${container.id} is not running`);
  if (container.removing) throw failedPrecondition(`container ${container.id} is being removed`);
}
