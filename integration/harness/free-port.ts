import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** What the kernel and the daemons that run beside choose by themselves begins at 32768: there a free port may be taken before it is used. */
const [lowest, highest] = [20_000, 32_000];

/** A TCP port that nobody has. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
