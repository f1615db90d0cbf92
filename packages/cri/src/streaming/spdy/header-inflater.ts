import { invalidArgument } from "@pouchcontainer/errors";
import { createInflate, type Inflate } from "node:zlib";
import { headerDictionary } from "./dictionary.ts";

const maxBlockBytes = 64 << 10;

/** Decompresses the header blocks of a connection, which are parts of one zlib stream: one after the other, none left out. */
export class HeaderInflater {
  #inflate: Inflate | undefined;
  #failed: Error | undefined;
  #settle: (() => void) | undefined;
  #chunks: Buffer[] = [];
  #length = 0;

  /** Rejects with `invalidArgument` for junk and for a block of more than 64 KiB; the connection is of no use then. */
  async next(block: Buffer): Promise<Buffer> {
    const inflate = (this.#inflate ??= this.#open());
    if (this.#failed === undefined)
      await new Promise<void>((resolve) => {
        this.#settle = resolve;
        // All its output is there when it calls back.
        inflate.write(block, () => resolve());
      });
    if (this.#failed) throw this.#failed;
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#length = 0;
    return whole;
  }

  close(): void {
    this.#fail(invalidArgument("the connection is closed"));
  }

  #open(): Inflate {
    const inflate = createInflate({ dictionary: headerDictionary });
    inflate.on("data", (chunk: Buffer) => {
      this.#length += chunk.length;
      if (this.#length > maxBlockBytes) this.#fail(invalidArgument(`a header block has more than ${maxBlockBytes} bytes`));
      else this.#chunks.push(chunk);
    });
    inflate.on("error", (cause) => this.#fail(invalidArgument(`headers cannot be decompressed: ${cause.message}`, { cause })));
    return inflate;
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    this.#chunks = [];
    this.#inflate?.destroy();
    this.#settle?.();
  }
}
