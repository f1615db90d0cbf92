import type { Readable } from "node:stream";

/**
 * Where the code of a plugin runs: a process of its own, or a place in one that it shares. It is one life of it, which is not begun again.
 */
export interface PluginRun {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves, with how it was in words, when the process has ended, however it came to that, or the plugin has left it. */
  readonly exited: Promise<string>;
  /** Resolves when all that it wrote was read. */
  readonly closed: Promise<unknown>;
  /** Whether it ended by the fault of another plugin that shares it; known when all was read. */
  wasEndedByAnother(): boolean;
  /** Ends it with everything it started: of a process that others share, the plugin's place in it. */
  stop(): Promise<void>;
  /** Ends what did not start, in no time. */
  giveUp(): Promise<void>;
  /** Ends the process in no time, and all that it runs. */
  kill(): Promise<void>;
}
