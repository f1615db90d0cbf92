import type { ServerResponse } from "node:http";

/** Aborted when the connection is gone before the answer was written. */
export function clientGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const gone = () => {
    if (!response.writableFinished) controller.abort();
  };
  if (response.destroyed) gone();
  else response.once("close", gone);
  return controller.signal;
}
