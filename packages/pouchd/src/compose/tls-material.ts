import { invalidArgument } from "@pouchcontainer/errors";
import type { TlsMaterial } from "@pouchcontainer/http-server";
import { readFileSync } from "node:fs";
import type { Configuration } from "../config/options.ts";

/** What `--tlscert`, `--tlskey` and, with `--tlsverify`, `--tlscacert` hold; undefined where TCP is to be plain. */
export function tlsMaterial(configuration: Configuration): TlsMaterial | undefined {
  const { tlsverify, tlscacert, tlscert, tlskey } = configuration;
  if (!tlscert && !tlskey) return undefined;
  if (!tlscert || !tlskey) throw invalidArgument("--tlscert and --tlskey go together: one of them is missing");
  const pair = { cert: read("tlscert", tlscert), key: read("tlskey", tlskey) };
  return tlsverify && tlscacert ? { ...pair, clientCa: read("tlscacert", tlscacert) } : pair;
}

function read(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw invalidArgument(`--${flag}: ${file} cannot be read`, { cause });
  }
}
