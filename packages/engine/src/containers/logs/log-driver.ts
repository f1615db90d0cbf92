import type { FollowedLog } from "./log-reader.ts";

export type LogStream = "stdout" | "stderr";

/**
 * The writing end of one run's log. What `write` was given is on its way to disk when it returns (in the page cache): killing the
 * daemon loses nothing. With journals it repeats nothing either: the log remembers beside itself how far it has used them.
 */
export interface LogDriver extends FollowedLog {
  readonly path: string;
  /** How often it has gone on in another file. */
  readonly rotations: number;
  readonly closed: boolean;
  /** Resolves at the next write, change of file, or close. */
  changed(): Promise<void>;
  /** A run begins, with new journals. What one before it left unfinished, killed with its daemon, is ended. */
  begin(): void;
  /** `position`: how far the stream's journal is used with this chunk. The chunk's memory is only lent. */
  write(stream: LogStream, chunk: Buffer, position?: number): void;
  /** The beginning of a line that is in no entry yet, since its end has not come. */
  unfinished(stream: LogStream): Buffer;
  /** That stream has ended: its last line is written though it has no newline. */
  end(stream: LogStream): void;
  /** How far an earlier daemon used the stream's journal. */
  journalPosition(stream: LogStream): number;
  /** Somebody has put its file aside: what follows goes into a new one of the same path. Throws when that cannot be opened; nothing has changed then. */
  reopen(): void;
  /** The process has ended and so has its output. As long as its journals are there, it stays remembered how far they are used. */
  close(): Promise<void>;
  /** The daemon leaves while the process runs on: unfinished lines stay remembered for the next one. */
  suspend(): Promise<void>;
  /** The journals of the run are gone: nothing is left to remember. */
  forgetJournals(): void;
}

/** Where a log's entries go: pure ASCII ones, a byte a character, are cheaper to write. */
export interface EntrySink {
  /** Bytes that may still go into the current file; Infinity without a limit. */
  readonly roomBytes: number;
  /** Entries as lines; without `ascii` written as UTF-8, with it each character as the byte of its code. */
  append(entries: string, ascii: boolean): void;
}

/** Turns one stream's bytes into a format's entries. What follows the last newline is kept until its line ends. */
export interface EntryFormatter {
  /** The beginning of a line that is in no entry yet. */
  readonly pending: Buffer;
  /** Takes up an unfinished line that an earlier daemon left. */
  restore(pending: Buffer): void;
  /** `time`: nanoseconds since the epoch. */
  write(chunk: Buffer, time: bigint, sink: EntrySink): void;
  /** The stream ended: what is left becomes an entry. */
  end(time: bigint, sink: EntrySink): void;
}
