import type { CliContext } from "../context.ts";
import { readClientConfig } from "../client-config.ts";
import { parseDetachKeys } from "../streams/escape-keys.ts";

/** Text and bytes of the detach keys: from the flag, the client's configuration, or ctrl-p,ctrl-q. */
export function detachKeysOf(context: CliContext, flag: string | undefined): { text: string; bytes: Uint8Array } {
  const text = flag ?? readClientConfig(context.configFolder).detachKeys ?? "ctrl-p,ctrl-q";
  return { text, bytes: parseDetachKeys(text) };
}
