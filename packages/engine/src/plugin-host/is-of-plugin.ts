import { EngineError } from "@pouchcontainer/errors";

/** Whether an error is what a plugin refused or failed with at a point, and not the engine's own. */
export function isOfPlugin(error: unknown): boolean {
  return error instanceof EngineError && error.details["plugin"] !== undefined;
}
