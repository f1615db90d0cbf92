import { mkdtempSync, rmSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Stands before another server and does what SIGSTOP and SIGCONT do to it: frozen, connections are held and nothing is said. */
export class FreezingProxy implements AsyncDisposable {
  readonly address: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "freezing-"));
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #frozen = false;

  static async start(behind: string): Promise<FreezingProxy> {
    const proxy = new FreezingProxy(behind);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    proxy.#server.once("error", reject);
    proxy.#server.listen(proxy.address, resolve);
    await promise;
    return proxy;
  }

  private constructor(behind: string) {
    this.address = join(this.#folder, "s.sock");
    this.#server = createServer((front) => {
      const back = connect(behind);
      for (const [from, to] of [
        [front, back],
        [back, front],
      ] as const) {
        this.#sockets.add(from);
        from.on("data", (chunk) => to.write(chunk));
        from.on("error", () => to.destroy());
        from.once("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        if (this.#frozen) from.pause();
      }
    });
  }

  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
