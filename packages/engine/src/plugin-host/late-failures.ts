import { messageChain } from "@pouchcontainer/errors";
import { asGuest } from "@pouchcontainer/owners";
import type { PluginLog, PointName } from "@pouchcontainer/plugin-sdk";
import { readThrown, type PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { maskedWords } from "./masked-failure.ts";

/** Where code of a plugin runs: at a point, in its module that is loaded, or in a handler of a route it serves. */
export type GuestPlace = PointName | "module" | "route";

/** Runs code in this process as a plugin's, so that what it throws late is known to be that plugin's. */
export type Enter = <T>(code: () => T) => T;

export interface LateFailuresDeps {
  logOf: (plugin: string) => PluginLog;
  observers: readonly { failedLate?(plugin: string, place: GuestPlace): void }[];
}

/**
 * What a plugin in this process throws or rejects when nobody waits for it any more: it ends nothing, is told in the plugin's log, counted
 * and, by `open`, held against the plugin. One that is installed has a process of its own, and its own net.
 */
export class LateFailures {
  readonly #deps: LateFailuresDeps;

  constructor(deps: LateFailuresDeps) {
    this.#deps = deps;
  }

  /** `shown` is what the plugin was given to read: its secrets are masked in the log. */
  enter(plugin: string, place: GuestPlace, open: (words: string) => void = () => undefined, shown?: unknown): Enter {
    const lost = (thrown: unknown): void => {
      const error = readThrown(thrown);
      const words = messageChain(error);
      this.#deps
        .logOf(plugin)
        .error(`an error of its code (${placeText(place)}) was caught by nobody: ${maskedWords(error.stack ?? words, shown)}`);
      for (const observer of this.#deps.observers) observer.failedLate?.(plugin, place);
      open(maskedWords(words, shown));
    };
    return (code) => asGuest({ lost }, code);
  }
}

function placeText(place: GuestPlace): string {
  if (place === "module") return "its module";
  return place === "route" ? "a handler of a route" : place;
}

/** For code that need not be told from the daemon's. */
export const enterNothing: Enter = (code) => code();

/** Whether the plugin's code runs in this process. */
export function isGuest(instance: PluginInstance): boolean {
  return instance.origin === "built-in";
}
