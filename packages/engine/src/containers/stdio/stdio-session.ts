import { Writable } from "node:stream";
import { DetachScanner } from "./detach-keys.ts";
import type { InputPipe } from "./input-pipe.ts";
import type { OutputChunk } from "./output-chunk.ts";

/** A live connection to a process (structurally the HTTP server's). */
export interface StdioSession {
  tty: boolean;
  output: AsyncIterable<OutputChunk>;
  input?: Writable;
  close(): void;
  served?(client: { hasRead: () => boolean }): void;
}

export interface SessionInput {
  pipe: InputPipe;
  /** Closes the process's stdin; called when this client's input ends, if its end is the process's. */
  closeStdin?: () => Promise<void>;
  /** Keys that let go of the process, empty for the usual ones; absent without a TTY, where they are not looked for. */
  detachKeys?: Uint8Array;
  onDetach: () => void;
  /** The input ended, and the process's stdin stays open: with dockerd the client's output ends too (`stream/attach.go`). */
  onEnd: () => void;
}

/** What a client types, on its way to the process. */
export function sessionInput(request: SessionInput): Writable {
  const scanner = request.detachKeys === undefined ? undefined : new DetachScanner(request.detachKeys);
  let closing: Promise<void> | undefined;
  const closeStdin = (): Promise<void> => (closing ??= request.closeStdin?.() ?? Promise.resolve(request.onEnd()));
  let detached = false;
  return new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      const scanned = scanner?.feed(chunk) ?? { forward: chunk, detached: false };
      request.pipe.write(scanned.forward).then(() => done(), done);
      if (!scanned.detached) return;
      detached = true;
      request.onDetach();
    },
    final(done) {
      closeStdin().then(() => done(), done);
    },
    destroy(error, done) {
      // A client that went away has nothing more to say either; one that detached may come back.
      if (detached) return done(error);
      closeStdin().then(
        () => done(error),
        () => done(error),
      );
    },
  });
}
