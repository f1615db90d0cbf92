import { AsyncLocalStorage } from "node:async_hooks";
import type { PluginKind, PluginKinds } from "./points.ts";

/** One plugin object that was registered. */
export type Registration = { [K in PluginKind]: { kind: K; plugin: PluginKinds[K] } }[PluginKind];

/**
 * A plugin may carry a copy of this package of its own, so the place where registrations go is agreed on through the
 * registry of symbols. It holds no registrations, only "who is loading a plugin right now"; two hosts never see each other's.
 */
const scopeKey = Symbol.for("@pouchcontainer/plugin-sdk/registration-scope/1");

type Scope = AsyncLocalStorage<Registration[]>;
type ScopeHolder = { [scopeKey]?: Scope };

function scope(): Scope {
  // globalThis is an ordinary object; the symbol is this package's own.
  const holder = globalThis as ScopeHolder;
  return (holder[scopeKey] ??= new AsyncLocalStorage<Registration[]>());
}

/** Records a plugin object with the host that is loading the calling module. */
export function register(registration: Registration): void {
  const registrations = scope().getStore();
  if (registrations === undefined) {
    const name = `register${registration.kind.charAt(0).toUpperCase()}${registration.kind.slice(1)}Plugin`;
    throw new Error(
      `${name} was called outside a plugin host: call it at the top level of the plugin's module, which the daemon or the test kit loads`,
    );
  }
  registrations.push(registration);
}

/** Runs `load`, usually an import of a plugin's module, and returns what it registered, in the order of the calls. */
export async function collectRegistrations(load: () => unknown): Promise<Registration[]> {
  const registrations: Registration[] = [];
  await scope().run(registrations, async () => load());
  return registrations;
}
