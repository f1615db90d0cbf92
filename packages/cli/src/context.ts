import type { EngineClient } from "./client/engine-client.ts";
import type { Output } from "./output/output.ts";

/** Everything a command may touch, passed in, so that tests put their own in its place. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
  /** Standard input; opened when first asked for. */
  stdin(): NodeJS.ReadStream;
  /** The daemon, with the API version agreed on. */
  engine(): Promise<EngineClient>;
  /** Folder of the client's configuration (`config.json`: registry logins, detach keys). */
  readonly configFolder: string;
  readonly debug: boolean;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `resized` when the window changed, until the returned function is called. */
  onResize(resized: () => void): () => void;
  /** Calls `received` for a signal in place of its default effect, until the returned function is called. */
  onSignal(signal: NodeJS.Signals, received: () => void): () => void;
  /** Calls `last` when the process ends in whatever way it can notice, until the returned function is called. */
  onExit(last: () => void): () => void;
  /** Calls `stop` on Ctrl-C and termination until the returned function is called. */
  onInterrupt(stop: (signal: NodeJS.Signals) => void): () => void;
}
