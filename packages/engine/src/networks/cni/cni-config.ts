import { invalidArgument, messageChain, notFound } from "@pouchcontainer/errors";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readLimited } from "../../read-limited.ts";

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

/** The list of that name in a folder. Files that are of no use are somebody else's, unless no other has the name: then they are told. */
export function loadNetworkList(directory: string, name: string): CniNetworkList {
  const unusable: string[] = [];
  for (const path of networkFiles(directory)) {
    try {
      const list = readNetworkList(path);
      if (list.name === name) return list;
    } catch (error) {
      unusable.push(messageChain(error));
    }
  }
  const untold = unusable.length === 0 ? "" : `, unless in a file that cannot be used: ${unusable.join("; ")}`;
  throw notFound(`no CNI network "${name}" in ${directory}${untold}`);
}

/** Paths of the `.conflist`, `.conf` and `.json` files of a folder, in the order of their names; none where there is no folder. */
export function networkFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => /\.(conflist|conf|json)$/.test(file))
      .sort()
      .map((file) => join(directory, file));
  } catch {
    return [];
  }
}

export function readNetworkList(path: string): CniNetworkList {
  return parseNetworkList(readLimited(path), path);
}

function parseNetworkList(text: string, source: string): CniNetworkList {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw invalidArgument(`${source} is not JSON: ${messageChain(error)}`);
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
