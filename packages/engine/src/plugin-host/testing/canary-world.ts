import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { CanaryOptions } from "../canary/canary-options.ts";
import type { PluginManagerDeps } from "../plugin-manager.ts";
import { home, type Daemon, type Home } from "./manager-home.ts";

export interface World {
  h: Home;
  daemon: Daemon;
  /** What decides about the next call: below the share it is the canary's. */
  dice: { random: number };
  /** Begins a canary of what is in the plugin's folder now. */
  begin: (options?: Partial<CanaryOptions>) => Promise<void>;
}

/** A daemon with version 1.0.0 of a plugin that calls containers "old". */
export async function world(t: TestContext, changes: Partial<PluginManagerDeps> = {}): Promise<World> {
  const h = home(t);
  const dice = { random: 0 };
  const daemon = await h.daemon({ random: () => dice.random, ...changes });
  await daemon.manager.install({ reference: h.plugin("tool", { hostname: "old" }) });
  const begin = async (options: Partial<CanaryOptions> = {}): Promise<void> => {
    const canary = { sharePercent: 50, failures: { calls: 2 }, ...options };
    await daemon.manager.reload("tool", undefined, { canary });
  };
  return { h, daemon, dice, begin };
}

export const folders = (h: Home): string[] => readdirSync(join(h.root, "installed"));
export const sockets = (h: Home): string[] => readdirSync(join(h.root, "run"));

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 400; round += 1) {
    if (await holds()) return;
    await sleep(25);
  }
  assert.fail(`never: ${what}`);
}

/** Resolves when nothing is left of a canary. */
export async function isGone({ h, daemon }: World): Promise<void> {
  assert.equal((await daemon.manager.inspect("tool")).Pouch?.Canary, null);
  await until("its folder and its process are gone", () => folders(h).length === 1 && sockets(h).length === 1);
}

export function eventsOf({ daemon }: World, prefix = "canary"): [string, Record<string, string>][] {
  return daemon.events.filter(({ action }) => action.startsWith(prefix)).map(({ action, attributes }) => [action, attributes]);
}
