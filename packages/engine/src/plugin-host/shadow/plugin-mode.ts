import { invalidArgument } from "@pouchcontainer/errors";

/** `shadow`: it is called with what real requests have, and nothing that it does is applied. */
export type PluginMode = "active" | "shadow";

/** What a record says where it says something; what says nothing is active. */
interface Moded {
  mode?: PluginMode;
}

/** The same in a mode; the usual one leaves no word. */
export function withMode<T extends object>({ mode: _before, ...rest }: T & Moded, mode: PluginMode): Omit<T, "mode"> & Moded {
  return mode === "active" ? rest : { ...rest, mode };
}

export function readMode(value: unknown): PluginMode {
  if (value === "active" || value === "shadow") return value;
  throw invalidArgument(`mode must be "active" or "shadow", got ${JSON.stringify(value)}`);
}
