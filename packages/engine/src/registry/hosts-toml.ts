import { invalidArgument } from "@pouchcontainer/errors";
import { parse } from "smol-toml";

/** One `[host."…"]` table, or the top of the file, as containerd's `hosts.toml` has them; file names are not read yet. */
export interface HostsTomlEntry {
  /** As written: with or without scheme and path. */
  host: string;
  capabilities?: string[];
  skipVerify: boolean;
  overridePath: boolean;
  authorityFiles: string[];
  clientFiles: { certificate: string; key?: string }[];
  headers: Record<string, string[]>;
}

export interface HostsToml {
  /** Mirrors in the order of the file. */
  hosts: HostsTomlEntry[];
  /** The registry itself; without `server` the file says nothing about where it is. */
  server: HostsTomlEntry | undefined;
}

/** Parses the text of a `hosts.toml`. `file` is for messages. */
export function parseHostsToml(text: string, file: string): HostsToml {
  let document: Record<string, unknown>;
  try {
    document = parse(text);
  } catch (cause) {
    throw invalidArgument(
      `cannot read registry configuration ${file}: ${cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : ""}`,
      { cause },
    );
  }
  const refuse = (what: string): never => {
    throw invalidArgument(`cannot read registry configuration ${file}: ${what}`);
  };
  const tables = document["host"] ?? {};
  if (!isTable(tables)) return refuse('"host" must be a table');
  const hosts = Object.entries(tables).map(([host, table]) =>
    isTable(table) ? entryOf(host, table, refuse) : refuse(`host "${host}" must be a table`),
  );
  const server = document["server"];
  if (server !== undefined && typeof server !== "string") return refuse('"server" must be a string');
  return { hosts, server: server === undefined || server === "" ? undefined : entryOf(server, document, refuse) };
}

function entryOf(host: string, table: Record<string, unknown>, refuse: (what: string) => never): HostsTomlEntry {
  const capabilities = table["capabilities"];
  if (capabilities !== undefined && !isStrings(capabilities)) refuse('"capabilities" must be a list of strings');
  return {
    host,
    ...(isStrings(capabilities) && { capabilities }),
    skipVerify: flagOf(table["skip_verify"], "skip_verify", refuse),
    overridePath: flagOf(table["override_path"], "override_path", refuse),
    authorityFiles: stringsOf(table["ca"], "ca", refuse),
    clientFiles: clientFilesOf(table["client"], refuse),
    headers: headersOf(table["header"], refuse),
  };
}

function flagOf(value: unknown, name: string, refuse: (what: string) => never): boolean {
  if (value !== undefined && typeof value !== "boolean") refuse(`"${name}" must be true or false`);
  return value === true;
}

function stringsOf(value: unknown, name: string, refuse: (what: string) => never): string[] {
  if (value === undefined) return [];
  if (typeof value === "string") return [value];
  return isStrings(value) ? value : refuse(`"${name}" must be a string or a list of strings`);
}

/** `"file"`, `["file", …]` or `[["certificate", "key"], …]`. */
function clientFilesOf(value: unknown, refuse: (what: string) => never): HostsTomlEntry["clientFiles"] {
  if (value === undefined) return [];
  const items: unknown[] = Array.isArray(value) ? value : [value];
  return items.map((item) => {
    const [certificate, key] = typeof item === "string" ? [item] : isStrings(item) ? item : [];
    if (certificate === undefined) return refuse('"client" must be a file, a list of files, or a list of pairs of files');
    return { certificate, ...(key !== undefined && key !== "" && { key }) };
  });
}

function headersOf(value: unknown, refuse: (what: string) => never): Record<string, string[]> {
  if (value === undefined) return {};
  if (!isTable(value)) return refuse('"header" must be a table');
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, stringsOf(text, `header ${name}`, refuse)]));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
