import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { callAfter } from "@pouchcontainer/owners";

/** Between two looks whether somebody has the other end. */
const retryMs = 5;

/** The daemon's end of a stdin FIFO, shared by everyone attached. */
export class InputPipe {
  readonly #ready = Promise.withResolvers<Socket | undefined>();
  /** Of writes under way; one listener ends them all, however many clients type. */
  readonly #writing = new Set<() => void>();
  #socket: Socket | undefined;
  #closed = false;
  #giveUp: () => void = () => undefined;

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The process exists: what was written before goes in now. The shim, who reads for it, opens its end beside its answer, and may be later:
   * until then nobody has the other end (ENXIO).
   */
  open(path: string): void {
    if (this.#closed || this.#socket) return;
    this.#giveUp();
    let fd: number;
    try {
      fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENXIO") this.#giveUp = callAfter(retryMs, () => this.open(path));
      else this.destroy();
      return;
    }
    this.#socket = new Socket({ fd, readable: false, writable: true });
    // EPIPE: the process has closed its stdin or is gone. Its exit tells the client.
    this.#socket.on("error", () => this.destroy());
    this.#socket.once("close", () => this.#writing.forEach((done) => done()));
    this.#ready.resolve(this.#socket);
  }

  /** Resolves when the pipe took the bytes, also when nobody wants them any more. */
  async write(chunk: Uint8Array): Promise<void> {
    const socket = await this.#ready.promise;
    if (!socket || this.#closed) return;
    const { promise: taken, resolve: done } = Promise.withResolvers<void>();
    this.#writing.add(done);
    socket.write(chunk, () => done());
    await taken;
    this.#writing.delete(done);
  }

  /** Closes the daemon's end when everything written has gone in. */
  async end(): Promise<void> {
    const socket = await this.#ready.promise;
    if (this.#closed) return;
    this.#closed = true;
    if (!socket) return;
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      socket.end();
    });
  }

  destroy(): void {
    this.#closed = true;
    this.#giveUp();
    this.#ready.resolve(undefined);
    this.#socket?.destroy();
  }
}
