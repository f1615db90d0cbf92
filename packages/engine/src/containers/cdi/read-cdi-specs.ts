import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readLimited } from "../../read-limited.ts";
import type { CdiSpec } from "./cdi-spec.ts";

/** Where drivers put their files; what a later folder says of a device holds over an earlier one. */
export const defaultCdiFolders: readonly string[] = ["/etc/cdi", "/var/run/cdi"];

export interface FoundCdiSpecs {
  /** In the order of their folders, least important first. */
  specs: { folder: string; spec: CdiSpec }[];
  /** Files that could not be read, each with why: of a device that is missing, the reason may be there. */
  failures: string[];
}

/** Reads the files of all folders. Those in YAML are not: there is no reader for them. */
export function readCdiSpecs(folders: readonly string[]): FoundCdiSpecs {
  const found: FoundCdiSpecs = { specs: [], failures: [] };
  for (const folder of folders)
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      if (/\.ya?ml$/.test(name)) found.failures.push(`${path}: YAML is not read, only JSON`);
      if (!name.endsWith(".json")) continue;
      try {
        found.specs.push({ folder, spec: parseCdiSpec(readLimited(path)) });
      } catch (error) {
        found.failures.push(`${path}: ${EngineError.from(error).message}`);
      }
    }
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    // Most machines have none.
    return [];
  }
}

function parseCdiSpec(text: string): CdiSpec {
  const value: unknown = JSON.parse(text);
  if (!isObject(value) || typeof value["kind"] !== "string" || !/^[^/]+\/[^/]+$/.test(value["kind"]))
    throw invalidArgument("it has no kind such as vendor.com/class");
  const devices: unknown = value["devices"];
  if (!Array.isArray(devices) || !devices.every((device) => isObject(device) && typeof device["name"] === "string"))
    throw invalidArgument("devices must be a list of objects with a name");
  for (const edits of [value["containerEdits"], ...devices.map((device: Record<string, unknown>) => device["containerEdits"])])
    refuseBadEdits(edits);
  // Kind, devices and all that is used of their edits are checked above.
  return value as unknown as CdiSpec;
}

function refuseBadEdits(edits: unknown): void {
  if (edits === undefined) return;
  if (!isObject(edits)) throw invalidArgument("containerEdits must be an object");
  const list = (field: string, good: (entry: unknown) => boolean): void => {
    const entries = edits[field];
    if (entries !== undefined && !(Array.isArray(entries) && entries.every(good)))
      throw invalidArgument(`containerEdits.${field} is not what it should be`);
  };
  const hasTexts =
    (...names: string[]) =>
    (entry: unknown) =>
      isObject(entry) && names.every((name) => isText(entry[name]));
  list("env", isText);
  list("deviceNodes", hasTexts("path"));
  list("mounts", hasTexts("hostPath", "containerPath"));
  list("hooks", hasTexts("hookName", "path"));
  list("additionalGids", Number.isInteger);
}

const isText = (value: unknown): value is string => typeof value === "string";

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
