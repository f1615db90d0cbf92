import { invalidArgument, isKind } from "@pouchcontainer/errors";

/**
 * Runs a look-up of something a create request names beside its image. "Not found" becomes a bad request, in the same words:
 * clients take a 404 of create for a missing image and start to pull it.
 */
export function namedInRequest<T>(lookUp: () => T): T {
  try {
    const found = lookUp();
    // Only a promise has a `catch`; its rejection is turned in the same way.
    return found instanceof Promise ? (found.catch((thrown: unknown) => refuse(thrown)) as T) : found;
  } catch (thrown) {
    return refuse(thrown);
  }
}

function refuse(thrown: unknown): never {
  if (isKind(thrown, "notFound")) throw invalidArgument(thrown.message, { cause: thrown });
  throw thrown;
}
