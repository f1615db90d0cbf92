import { invalidArgument } from "@pouchcontainer/errors";
import { dirname, resolve } from "node:path";
import { Type } from "typebox";
import type { Static } from "typebox";
import { Compile } from "typebox/compile";
import { describeIssue, type SchemaIssue } from "./schema-issue.ts";

const entry = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    source: Type.Optional(Type.String({ minLength: 1 })),
    version: Type.Optional(Type.String({ minLength: 1 })),
    enabled: Type.Optional(Type.Boolean()),
    configuration: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { additionalProperties: false },
);

/** JSON Schema of a file that says which plugins a daemon has. */
export const pluginSetSchema = Type.Object(
  { complete: Type.Optional(Type.Boolean()), plugins: Type.Array(entry, { maxItems: 1000 }) },
  { additionalProperties: false },
);

const form = Compile(pluginSetSchema);

/** What a daemon's plugins are to be. The order of the list decides between equal priorities. */
export interface PluginSet {
  /** Installed plugins that are not in the list go. Compiled-in ones stay as they are. */
  complete: boolean;
  plugins: WantedPlugin[];
}

export interface WantedPlugin {
  name: string;
  /** Folder or archive, an absolute path, or an npm package. Without one it is there already, installed or compiled in. */
  source?: string;
  /** What the package has to be. */
  version?: string;
  enabled: boolean;
  /** Settings of an installed one; without, those of its file in the daemon's folder of configurations. */
  configuration?: Record<string, unknown>;
}

/** Reads such a file. Throws `invalidArgument` that names the file, the key, and what would be right. */
export function parsePluginSet(text: string, file: string): PluginSet {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidArgument(`${file} is not valid JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (!form.Check(value)) throw invalidArgument(`${file}: ${problemOf(form.Errors(value), value)}`);
  // Checked against the schema in the line above.
  const { complete = false, plugins } = value as Static<typeof pluginSetSchema>;
  const names = plugins.map(({ name }) => name);
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice !== -1)
    throw invalidArgument(
      `${file}: plugins[${twice}].name must be another plugin's, ${JSON.stringify(names[twice])} is in the list already`,
    );
  const wanted = plugins.map(({ source, enabled = true, ...rest }) => ({
    ...rest,
    enabled,
    ...(source === undefined ? {} : { source: isPath(source) ? resolve(dirname(file), source) : source }),
  }));
  return { complete, plugins: wanted };
}

/** Whether it is a folder or archive, and no npm package. */
function isPath(source: string): boolean {
  return /^[./]/.test(source) || /\.(tar|tgz|tar\.gz)$/.test(source);
}

function problemOf(issues: SchemaIssue[], value: unknown): string {
  const unknown = issues.find(({ keyword }) => keyword === "additionalProperties");
  if (unknown === undefined) return describeIssue(issues, value);
  const known = unknown.instancePath === "" ? Object.keys(pluginSetSchema.properties) : Object.keys(entry.properties);
  return `${describeIssue([unknown], value)}; its keys are ${known.join(", ")}`;
}
