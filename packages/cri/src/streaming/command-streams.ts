import type { Readable, Writable } from "node:stream";

/** The streams of an exec or attach, whatever protocol carries them. */
export interface CommandStreams {
  stdin?: Readable;
  stdout?: Writable;
  stderr?: Writable;
  error: Writable;
  resize?: Readable;
  /** What the error stream speaks: see `statusText`. */
  statusFormat: "json" | "text";
}

/** A connection that carries streams. */
export interface StreamConnection {
  /** Aborted when nothing passes any more, for whatever reason. */
  signal: AbortSignal;
  /** Ends it in good order: what was written arrives. Resolves when it is closed, which is soon. */
  finish(): Promise<void>;
}
