import { isKind } from "@pouchcontainer/errors";
import { ProcessGone } from "@pouchcontainer/files";

/**
 * Whether a failure says that the process, or its shim, went while the call was on its way: its exit is not told yet. containerd has
 * no kind of its own for it, only the shim's words.
 */
export function isProcessGone(error: unknown): boolean {
  return isKind(error, "notFound") || saysProcessGone(error);
}

/** The same where what is not found may be something else. */
export function saysProcessGone(error: unknown): boolean {
  return error instanceof ProcessGone || words.test(String(error));
}

const words =
  /process already finished|ttrpc: closed|container not running|task [0-9a-f]{64} not found|cannot \w+ (?:in )?a (?:stopped|deleted) (?:container|state|process)/;
