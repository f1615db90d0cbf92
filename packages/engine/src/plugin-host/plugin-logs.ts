import { cutText } from "@pouchcontainer/errors";
import type { PluginLog } from "@pouchcontainer/plugin-sdk";

/** Lines kept per plugin. */
const kept = 500;

type Level = keyof PluginLog;

/** What each plugin said, the last lines of it, besides the daemon's own log. */
export class PluginLogs {
  readonly #logOf: (plugin: string) => PluginLog;
  readonly #now: () => number;
  readonly #lines = new Map<string, string[]>();
  readonly #followers = new Map<string, Set<(line: string) => void>>();

  constructor(options: { logOf: (plugin: string) => PluginLog; now?: () => number }) {
    this.#logOf = options.logOf;
    this.#now = options.now ?? Date.now;
  }

  /** A log that is written to the daemon's and kept here. */
  logOf = (plugin: string): PluginLog => {
    const daemon = this.#logOf(plugin);
    const at =
      (level: Level) =>
      (words: string): void => {
        const message = cutText(words);
        daemon[level](message);
        this.#keep(plugin, level, message);
      };
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  };

  /** The kept lines, oldest first. */
  lines(plugin: string): readonly string[] {
    return this.#lines.get(plugin) ?? [];
  }

  /** Calls back for every further line; returns the way to stop that. */
  follow(plugin: string, write: (line: string) => void): () => void {
    const followers = this.#followers.get(plugin) ?? new Set();
    this.#followers.set(plugin, followers);
    followers.add(write);
    return () => followers.delete(write);
  }

  forget(plugin: string): void {
    this.#lines.delete(plugin);
  }

  #keep(plugin: string, level: Level, message: string): void {
    const line = `${new Date(this.#now()).toISOString()} ${level} ${message}`;
    const lines = this.#lines.get(plugin) ?? [];
    this.#lines.set(plugin, lines);
    if (lines.push(line) > kept) lines.shift();
    for (const write of this.#followers.get(plugin) ?? []) write(line);
  }
}
