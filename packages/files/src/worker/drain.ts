import type { PipeSource } from "./pipe-source.ts";

/** What is behind an archive's end belongs to it: who sends it may not be made to stop. */
export function drain(source: PipeSource): undefined {
  while (source.takeSome(Number.MAX_SAFE_INTEGER).length > 0);
}
