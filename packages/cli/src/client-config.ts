import { makeFoldersSync } from "@pouchcontainer/owners";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError, messageOf } from "./cli-error.ts";

/** The login of one registry as it is stored: base64 of `user:password`, or a token. */
export interface StoredLogin {
  auth?: string;
  identitytoken?: string;
}

/** `config.json` of the client; keys that are not known here are kept when it is written. */
export interface ClientConfig {
  auths?: Record<string, StoredLogin>;
  /** Program `docker-credential-<name>` that keeps all logins. */
  credsStore?: string;
  /** The same for single registries. */
  credHelpers?: Record<string, string>;
  detachKeys?: string;
}

/** The configuration in a folder; an absent file is an empty one. */
export function readClientConfig(folder: string): ClientConfig {
  const file = join(folder, "config.json");
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    // The file's shape is this program's own; a wrong one shows as an absent value where it is used.
    if (typeof value === "object" && value !== null) return value;
    throw new Error("it holds no JSON object");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return {};
    throw new CliError(`cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Replaces the configuration in one step, readable by its owner only. */
export function writeClientConfig(folder: string, config: ClientConfig): void {
  makeFoldersSync(folder, 0o700);
  const file = join(folder, "config.json");
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(config, null, "\t")}\n`, { mode: 0o600 });
  renameSync(draft, file);
}
