import type { WebSocket } from "ws";

const patienceMilliseconds = 5000;

/** Ends a WebSocket in good order; a client that does not answer is cut off. */
export function closeWebSocket(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === socket.CLOSED) return resolve();
    const patience = setTimeout(() => socket.terminate(), patienceMilliseconds).unref();
    socket.once("close", () => {
      clearTimeout(patience);
      resolve();
    });
    // Its answer has to be read.
    socket.resume();
    socket.close(1000);
  });
}
