import { maskSecrets, secretsIn } from "@pouchcontainer/api";
import { cutText, EngineError, firstBytes, maxToldBytes, messageChain } from "@pouchcontainer/errors";
import type { PointName } from "@pouchcontainer/plugin-sdk";
import { pluginFailure } from "@pouchcontainer/plugin-sdk/host";

/**
 * A plugin's failure in words without the secrets of what the plugin was asked: it may put into them what it was given. The names of
 * plugin and point are the daemon's own words and stay. Causes that hold secrets are left behind.
 */
export function maskedFailure(plugin: string, point: PointName, thrown: unknown, shown: unknown): EngineError {
  const said = messageChain(thrown);
  const words = maskedWords(said, shown);
  const failure = pluginFailure(plugin, point, thrown, words);
  return words === said ? failure : new EngineError(failure.kind, failure.message, { details: failure.details });
}

/** What a plugin said, without the secrets of what it was shown, and not longer than anybody reads. */
export function maskedWords(said: string, shown: unknown): string {
  const secrets = secretsIn(shown);
  const bytes = Buffer.byteLength(said);
  if (bytes <= maxToldBytes) return cutText(maskSecrets(said, secrets));
  // The cut may go through a secret: as much as the longest one has is left out besides.
  const longest = secrets[0]?.length ?? 0;
  const words = firstBytes(maskSecrets(firstBytes(said, maxToldBytes), secrets).slice(0, -longest || undefined), maxToldBytes);
  return `${words}… (about ${bytes - Buffer.byteLength(words)} more bytes)`;
}
