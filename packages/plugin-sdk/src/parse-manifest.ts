import { cutText, invalidArgument, type EngineError } from "@pouchcontainer/errors";
import { satisfies, valid, validRange } from "semver";
import { Compile } from "typebox/compile";
import Schema from "typebox/schema";
import { pluginApiVersion } from "./api-version.ts";
import type { PluginManifest, PointSettings, PouchSection, ResolvedPoint } from "./manifest.ts";
import { pouchSectionSchema } from "./manifest-schema.ts";
import type { PluginPermissions } from "./permissions.ts";
import { permissionsSchema } from "./permissions-schema.ts";
import { defaultTimeoutMs, pointNames } from "./point-table.ts";
import type { PointName } from "./points.ts";
import { checkSchemaBounds } from "./schema-bounds.ts";
import { describeIssue } from "./schema-issue.ts";
import { withinMoments } from "./within-moments.ts";

const section = Compile(pouchSectionSchema);
const permissionsCheck = Compile(permissionsSchema);

/** Longest plugin name; names become socket and directory names. */
const maxNameLength = 100;

/**
 * The manifest in a plugin's parsed `package.json`. Throws `invalidArgument` with a message that names the plugin and the
 * field for a missing section, an unknown point, a wrong type, an API range that this daemon does not satisfy, or a
 * configuration schema that is none.
 */
export function parseManifest(packageJson: unknown): PluginManifest {
  if (typeof packageJson !== "object" || packageJson === null)
    throw invalidArgument("bad plugin manifest: package.json is not an object");
  // Fields are checked one by one below.
  const pkg = packageJson as Record<string, unknown>;
  const name = checkedName(pkg["name"]);
  const bad = (problem: string): EngineError => invalidArgument(`bad manifest of plugin "${name}": ${problem}`);

  const version = pkg["version"];
  if (typeof version !== "string" || valid(version) === null)
    throw bad(`version must be a semantic version, got ${shown(version)}`);
  const raw = pkg["pouch"];
  if (raw === undefined) throw bad('package.json has no "pouch" section, so this is not a plugin');
  if (!section.Check(raw)) throw bad(describeIssue(section.Errors(raw), raw, "pouch"));
  // Checked against the schema of PouchSection in the line above.
  const pouch = raw as PouchSection;

  if (validRange(pouch.api) === null)
    throw bad(`pouch.api must be a range of versions such as "^${pluginApiVersion}", got ${shown(pouch.api)}`);
  if (!satisfies(pluginApiVersion, pouch.api))
    throw bad(`it asks for plugin API ${cutText(pouch.api, shownBytes)}, this daemon has ${pluginApiVersion}`);
  if (pouch.sharedProcess !== undefined && pouch.command !== undefined)
    throw bad(
      "pouch.sharedProcess is for plugins in JavaScript and TypeScript: one with pouch.command is a program of its own, which runs in a process of its own",
    );
  checkConfigurationSchema(pouch.configuration, bad);

  return {
    name,
    version,
    description: typeof pkg["description"] === "string" ? pkg["description"] : "",
    api: pouch.api,
    points: resolvePoints(pouch),
    configuration: pouch.configuration ?? { type: "object", additionalProperties: false },
    environment: pouch.environment ?? [],
    main: mainModule(pkg),
    ...(pouch.command === undefined ? {} : { command: pouch.command }),
    memoryLimitMb: pouch.memoryLimitMb ?? 256,
    pidsLimit: pouch.pidsLimit ?? 512,
    ...(pouch.user === undefined ? {} : { user: pouch.user }),
    ...(pouch.sharedProcess === undefined ? {} : { sharedProcess: pouch.sharedProcess }),
    ...(pouch.permissions === undefined ? {} : { permissions: checkedPermissions(pouch, bad) }),
  };
}

/** Bytes of what a stranger wrote that a message shows. */
const shownBytes = 512;

function shown(value: unknown): string {
  return cutText(JSON.stringify(value) ?? "nothing", shownBytes);
}

function checkedName(name: unknown): string {
  if (typeof name !== "string" || name.length > maxNameLength || !/^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/.test(name)) {
    throw invalidArgument(
      `bad plugin manifest: name must be an npm package name of at most ${maxNameLength} characters, got ${shown(name)}`,
    );
  }
  return name;
}

function resolvePoints(pouch: PouchSection): Partial<Record<PointName, ResolvedPoint>> {
  const given: Partial<Record<PointName, PointSettings>> = Array.isArray(pouch.points)
    ? Object.fromEntries(pouch.points.map((point) => [point, {}]))
    : pouch.points;
  const resolved: Partial<Record<PointName, ResolvedPoint>> = {};
  for (const point of pointNames) {
    const own = given[point];
    if (own === undefined) continue;
    resolved[point] = {
      priority: own.priority ?? pouch.priority ?? 0,
      timeoutMs: own.timeoutMs ?? pouch.timeoutMs ?? defaultTimeoutMs(point),
      failurePolicy: own.failurePolicy ?? pouch.failurePolicy ?? "fail",
      filters: own.filters ?? pouch.filters ?? {},
      onConflict: own.onConflict ?? pouch.onConflict ?? "record",
    };
  }
  return resolved;
}

/** Characters of all that is asked for: who grants it reads it, and a request that grants it carries it. */
const maxPermissions = 4096;

function checkedPermissions({ permissions = {} }: PouchSection, bad: (problem: string) => EngineError): PluginPermissions {
  const { length } = JSON.stringify(permissions);
  if (length > maxPermissions)
    throw bad(
      `pouch.permissions has ${length} characters; at most ${maxPermissions} are allowed, and a pattern with * says more in fewer`,
    );
  return permissions;
}

/** Permissions that somebody else than a manifest names. Throws `invalidArgument` with the field; `where` says what they are in. */
export function parsePermissions(value: unknown, where: string): PluginPermissions {
  if (!permissionsCheck.Check(value)) throw invalidArgument(`${where}: ${describeIssue(permissionsCheck.Errors(value), value)}`);
  return value;
}

/** Characters of a schema, all in all. */
const maxSchema = 65_536;

function checkConfigurationSchema(schema: Record<string, unknown> | undefined, bad: (problem: string) => EngineError): void {
  if (schema === undefined) return;
  checkSchemaBounds(schema, (problem) => bad(`pouch.configuration ${problem}`));
  try {
    withinMoments(() => {
      const { length } = JSON.stringify(schema);
      if (length > maxSchema) throw invalidArgument(`it has ${length} characters, at most ${maxSchema} are allowed`);
      Schema.Compile(schema);
    });
  } catch (error) {
    throw bad(`pouch.configuration is not a JSON Schema: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The module to load, by the fields Node itself looks at. */
function mainModule(pkg: Record<string, unknown>): string {
  const root = rootExport(pkg["exports"]);
  if (root !== undefined) return root;
  return typeof pkg["main"] === "string" ? pkg["main"] : "index.js";
}

function rootExport(entry: unknown): string | undefined {
  if (typeof entry === "string") return entry;
  if (typeof entry !== "object" || entry === null) return undefined;
  // A JSON object, by the line above; its values are looked at again one by one.
  const conditions = entry as Record<string, unknown>;
  return rootExport(conditions["."] ?? conditions["node"] ?? conditions["import"] ?? conditions["default"]);
}

/**
 * Checks a plugin's configuration against the schema in its manifest and returns it. Throws `invalidArgument` naming plugin
 * and field.
 */
export function checkConfiguration(manifest: PluginManifest, configuration: unknown): Record<string, unknown> {
  const value = configuration ?? {};
  const problem = configurationProblem(manifest.configuration, value);
  if (problem !== undefined) throw invalidArgument(`configuration of plugin "${manifest.name}": ${problem}`);
  if (typeof value !== "object" || Array.isArray(value))
    throw invalidArgument(`configuration of plugin "${manifest.name}" must be an object`);
  // An object that is no array, by the line above.
  return value as Record<string, unknown>;
}

/** The schema is a stranger's, and what it makes of a value takes as long as its author wished. */
function configurationProblem(schema: Record<string, unknown>, value: unknown): string | undefined {
  try {
    const [ok, errors] = withinMoments(() => Schema.Errors(schema, value));
    return ok ? undefined : describeIssue(errors, value);
  } catch (error) {
    return `it cannot be held against the schema in its manifest: ${messageOf(error)}`;
  }
}
