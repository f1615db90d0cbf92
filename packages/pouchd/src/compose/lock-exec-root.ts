import { failedPrecondition, messageChain, unavailable } from "@pouchcontainer/errors";
import { join } from "node:path";
import { HeldByAnother, takeOwnerLock, type OwnerLock } from "./owner-lock.ts";

/** Holds the exec root against a second daemon, which would end this one's containerd and containers as leftovers of its own. */
export async function lockExecRoot(execRoot: string, owner: string): Promise<OwnerLock> {
  try {
    return await takeOwnerLock(join(execRoot, "owner"), { owner });
  } catch (error) {
    if (error instanceof HeldByAnother)
      throw unavailable(
        `${execRoot} is in use by another daemon (${error.owner}): stop it, or give this one an --exec-root-dir of its own`,
        { cause: error },
      );
    throw failedPrecondition(`cannot lock ${execRoot}, the --exec-root-dir: ${messageChain(error)}`, { cause: error });
  }
}
