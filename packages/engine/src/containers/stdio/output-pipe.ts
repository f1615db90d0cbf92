import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";

/**
 * The daemon's end of an output FIFO: no thread per stream, and no allocation per read. All pipes share one buffer, because
 * a chunk is used up before the callback returns.
 */
export class OutputPipe {
  readonly #socket: Socket;
  #guardFd: number | undefined;
  readonly ended: Promise<void>;

  /**
   * Holds a writing end too, until `release`: a FIFO nobody has written to would look ended already, and one whose writers
   * left before it was opened would never look ended (Linux reports a hang-up only after a writer came and went).
   */
  constructor(path: string, options: { buffer: Buffer; enlarge?: (fd: number) => void; onChunk: (chunk: Buffer) => boolean }) {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      this.#guardFd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      options.enlarge?.(fd);
    } catch (error) {
      this.release();
      closeSync(fd);
      throw error;
    }
    const { buffer } = options;
    this.#socket = new Socket({
      fd,
      readable: true,
      writable: false,
      // The returned flag is false to pause, as `publish` of the hub answers.
      onread: { buffer, callback: (size) => options.onChunk(buffer.subarray(0, size)) },
    });
    // A read error ends the stream like its end does.
    this.#socket.on("error", () => undefined);
    this.ended = new Promise((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.resume();
  }

  /** The process has opened its end: from now on the pipe ends when it closes that. */
  release(): void {
    if (this.#guardFd === undefined) return;
    closeSync(this.#guardFd);
    this.#guardFd = undefined;
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.release();
    this.#socket.destroy();
  }
}
