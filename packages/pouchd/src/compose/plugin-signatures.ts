import { parseSigningKey, readLimited, type SignatureSettings } from "@pouchcontainer/engine";
import { EngineError, invalidArgument, messageChain } from "@pouchcontainer/errors";
import type { Configuration } from "../config/options.ts";

/** Whose signatures of plugins count. A key that is none ends the start. */
export function pluginSignatures(configuration: Configuration): SignatureSettings {
  const keys = configuration["plugin-signature-keys"].map((file) => {
    try {
      return parseSigningKey(readLimited(file), file);
    } catch (error) {
      const problem = error instanceof EngineError ? error.message : `${file} cannot be read: ${messageChain(error)}`;
      throw invalidArgument(`--plugin-signature-keys: ${problem}`, { cause: error });
    }
  });
  return { keys, required: configuration["require-plugin-signatures"] };
}
