import type { Duplex } from "node:stream";

const patienceMilliseconds = 5000;

/**
 * Ends our side of a connection and waits for the client to end its own: closed while the client still sends, it would be reset,
 * and what the client has not read yet lost. A client that does not follow is cut off. Somebody has to read on meanwhile.
 */
export function lingerAndClose(connection: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (connection.destroyed) return resolve();
    const patience = setTimeout(() => connection.destroy(), patienceMilliseconds).unref();
    connection.once("close", () => {
      clearTimeout(patience);
      resolve();
    });
    connection.end();
  });
}
