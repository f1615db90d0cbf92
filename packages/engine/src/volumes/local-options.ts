import { invalidArgument } from "@pouchcontainer/errors";

/** What a volume of the local driver mounts over its folder; absent for a plain folder. */
export interface LocalMount {
  type: string;
  device: string;
  /** The `o` option: comma separated mount options. */
  options: string;
}

const known = new Set(["type", "o", "device", "size"]);

/** Checks the options of the local driver (`type`, `o`, `device`) as Docker's does. */
export function parseLocalOptions(options: Readonly<Record<string, string>>): LocalMount | undefined {
  for (const key of Object.keys(options)) if (!known.has(key)) throw invalidArgument(`invalid option: "${key}"`);
  if (options["size"] !== undefined) throw invalidArgument("quota size requested but no quota support");
  // Empty ones say nothing, as with dockerd: a client's form that nobody filled in.
  const [type, device, o = ""] = ["type", "device", "o"].map((key) => options[key] || undefined);
  if (type === undefined && device === undefined && o === "") return undefined;
  if (device === undefined) throw invalidArgument('missing required option: "device"');
  if (type === undefined) throw invalidArgument('missing required option: "type"');
  return { type, device, options: o };
}
