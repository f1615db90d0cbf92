import { invalidArgument, notFound } from "@pouchcontainer/errors";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Configuration of one plugin, as the CNI specification has it; every plugin knows more keys. */
export interface CniPluginConfig {
  type: string;
  capabilities?: Record<string, boolean>;
  ipam?: Record<string, unknown>;
  [key: string]: unknown;
}

/** A chain of plugins (`.conflist`). */
export interface CniNetworkList {
  cniVersion: string;
  name: string;
  plugins: CniPluginConfig[];
  /** Its plugins are not to be asked CHECK. */
  disableCheck?: boolean;
}

/** What a plugin answers to ADD (specification 0.4 and 1.0). */
export interface CniResult {
  cniVersion?: string;
  interfaces?: { name: string; mac?: string; sandbox?: string }[];
  ips?: { address: string; gateway?: string; interface?: number }[];
  routes?: { dst: string; gw?: string }[];
  dns?: { nameservers?: string[]; search?: string[]; options?: string[] };
}

/** The list of that name in a folder of `.conflist`, `.conf` and `.json` files. */
export function loadNetworkList(directory: string, name: string): CniNetworkList {
  for (const list of loadNetworkLists(directory)) if (list.name === name) return list;
  throw notFound(`no CNI network "${name}" in ${directory}`);
}

/** All lists of a folder, in the order of their file names; the first is what CNI calls the default. */
function loadNetworkLists(directory: string): CniNetworkList[] {
  let files: string[];
  try {
    files = readdirSync(directory).sort();
  } catch {
    return [];
  }
  return files
    .filter((file) => /\.(conflist|conf|json)$/.test(file))
    .map((file) => parseNetworkList(readFileSync(join(directory, file), "utf8"), join(directory, file)));
}

export function parseNetworkList(text: string, source: string): CniNetworkList {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw invalidArgument(`${source} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isObject(parsed)) throw invalidArgument(`${source}: an object is expected`);
  const { cniVersion = "0.4.0", name = "", plugins = [parsed] } = parsed;
  if (typeof cniVersion !== "string" || typeof name !== "string" || !Array.isArray(plugins) || !plugins.every(isPlugin)) {
    throw invalidArgument(`${source}: cniVersion, name and plugins with a type each are expected`);
  }
  return { cniVersion, name, plugins, ...(parsed["disableCheck"] === true ? { disableCheck: true } : {}) };
}

function isPlugin(value: unknown): value is CniPluginConfig {
  return isObject(value) && typeof value["type"] === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
