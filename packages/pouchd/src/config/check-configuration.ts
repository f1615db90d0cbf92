import { invalidArgument } from "@pouchcontainer/errors";
import { resolve } from "node:path";
import { optionSpecs, type Configuration, type OptionName } from "./options.ts";
import { valueRule } from "./value-rules.ts";

/** Where a person has to look for an option: its flag, or the file and the key in it. */
export type PlaceOf = (name: OptionName) => string;

/**
 * Refuses values that no start or no container could do with, and completes those that follow from others. What depends on the
 * machine is looked at later: paths by check-paths.ts, the rest when the daemon is put together.
 */
export function checkConfiguration(configuration: Configuration, placeOf: PlaceOf): void {
  for (const name of ["home-dir", "exec-root-dir", "pidfile"] as const)
    if (configuration[name] !== "") configuration[name] = resolve(configuration[name]);
  // A configuration file may say in so many words that there is none.
  for (const name of fileNames) if (configuration[name] === "") delete configuration[name];
  if (configuration["plugin-set"] !== undefined) configuration["plugin-set"] = resolve(configuration["plugin-set"]);
  // Others start them, in folders of their own; a bare name is looked up.
  for (const name of ["containerd-path", "runtime-path", "init-path"] as const)
    configuration[name] = programPath(configuration[name]);
  const runtimes = configuration["add-runtime"] ?? {};
  for (const [name, path] of Object.entries(runtimes)) runtimes[name] = programPath(path);
  for (const [option] of optionSpecs) {
    // The table's own names.
    const name = option as OptionName;
    for (const value of textsOf(configuration[name])) checkValue(name, value, placeOf);
  }
  checkListen("listen", configuration.listen, placeOf);
  if (configuration["enable-cri"]) checkListenCri(configuration, placeOf);
  checkControlGroups(configuration, placeOf);
  const known = ["runc", ...Object.keys(runtimes)];
  if (!known.includes(configuration["default-runtime"]))
    throw invalidArgument(
      `${placeOf("default-runtime")} takes the name of a runtime, one of ${known.join(", ")}, got ${JSON.stringify(configuration["default-runtime"])}: --add-runtime NAME=PATH adds one`,
    );
  if (configuration["require-plugin-signatures"] && configuration["plugin-signature-keys"].length === 0)
    throw invalidArgument(
      `${placeOf("require-plugin-signatures")} needs ${placeOf("plugin-signature-keys")}: without a key no signature counts`,
    );
  const { tlsverify, tlscacert, tlscert, tlskey } = configuration;
  if (tlsverify && !(tlscacert && tlscert && tlskey))
    throw invalidArgument("--tlsverify needs --tlscacert, --tlscert and --tlskey");
}

const programPath = (program: string): string => (program.includes("/") ? resolve(program) : program);

/** Files that may be none. */
const fileNames = [
  "tlscacert",
  "tlscert",
  "tlskey",
  "stream-tlscacert",
  "stream-tlscert",
  "stream-tlskey",
  "plugin-set",
] as const;

function textsOf(value: Configuration[OptionName]): string[] {
  if (value === undefined || typeof value === "boolean") return [];
  if (typeof value !== "object") return [String(value)];
  return Array.isArray(value) ? value : Object.entries(value).map(([key, text]) => `${key}=${text}`);
}

function checkValue(name: OptionName, value: string, placeOf: PlaceOf): void {
  if (value === "") throw invalidArgument(`${placeOf(name)} must not be empty`);
  // Files and programs that a line, or a text that ends with a NUL, is written to would read another value.
  if (!freeTexts.has(name) && hasControlCharacter(value))
    throw invalidArgument(`${placeOf(name)} takes no control characters, got ${JSON.stringify(value)}`);
  const rule = valueRule(name);
  if (rule && !rule.fits(value)) throw invalidArgument(`${placeOf(name)} takes ${rule.takes}, got ${JSON.stringify(value)}`);
}

/** Only shown, or read by a pattern of its own. */
const freeTexts: ReadonlySet<OptionName> = new Set(["label", "log-opt"]);

const hasControlCharacter = (text: string): boolean => /\p{Cc}/u.test(text);

function checkListen(name: "listen" | "listen-cri", addresses: readonly string[], placeOf: PlaceOf): void {
  if (addresses.length === 0)
    throw invalidArgument(`${placeOf(name)} needs one address or more: without, nobody reaches the API`);
  const twice = addresses.find((address, index) => addresses.indexOf(address) !== index);
  if (twice !== undefined) throw invalidArgument(`${placeOf(name)} has ${JSON.stringify(twice)} twice`);
}

/** One socket has one protocol: a kubelet and a docker client cannot share it. */
function checkListenCri(configuration: Configuration, placeOf: PlaceOf): void {
  const addresses = configuration["listen-cri"];
  checkListen("listen-cri", addresses, placeOf);
  const both = addresses.find((address) => configuration.listen.includes(address));
  if (both !== undefined)
    throw invalidArgument(`${placeOf("listen-cri")} has ${JSON.stringify(both)}, where ${placeOf("listen")} serves Docker's API`);
}

/** With systemd, control groups are its units: a parent is a slice. */
function checkControlGroups(configuration: Configuration, placeOf: PlaceOf): void {
  if (configuration["cgroup-driver"] !== "systemd") return;
  const parent = configuration["cgroup-parent"];
  if (parent === optionSpecs.get("cgroup-parent")?.default) configuration["cgroup-parent"] = `${parent}.slice`;
  else if (!/^[^/]+\.slice$/.test(parent))
    throw invalidArgument(
      `${placeOf("cgroup-parent")} takes the name of a slice, like ${parent.replaceAll("/", "") || "pouch"}.slice, with --cgroup-driver systemd, got ${JSON.stringify(parent)}`,
    );
}
