import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";

/** What the kernel and the daemons that run beside choose by themselves begins at 32768: there a free port may be taken before it is used. */
const [lowest, highest] = [20_000, 32_000];

/** A TCP port that nobody has, and no other test is given for as long as this one's process lives. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest);
    const claim = await listening(`\0pouch-test-port-${port}`);
    if (claim === undefined) continue;
    claim.unref();
    const server = await listening(port);
    if (server === undefined) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Undefined where somebody listens already. */
function listening(place: number | string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(place, () => resolve(server));
  });
}
