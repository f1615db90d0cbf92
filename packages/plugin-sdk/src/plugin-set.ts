import { parseStrictJson, PluginSetEntry, PluginSetFile } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { dirname, isAbsolute, resolve } from "node:path";
import { Compile } from "typebox/compile";
import { describeIssue, type SchemaIssue } from "./schema-issue.ts";

const form = Compile(PluginSetFile);

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
  /** Default: active. */
  mode?: "active" | "shadow";
  /** Whatever the package asks for is granted. Default: one that asks for more than was granted before is not brought in. */
  grantAllPermissions?: boolean;
  /** Settings of an installed one; without, those of its file in the daemon's folder of configurations. */
  configuration?: Record<string, unknown>;
}

/** Reads such a file. Throws `invalidArgument` that names the file, the key, and what would be right. */
export function parsePluginSet(text: string, file: string): PluginSet {
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch (error) {
    throw invalidArgument(`${file} is not valid JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  return pluginSetOf(value, file, dirname(file));
}

/** The same of what was read, with `place` for its name. Paths that begin nowhere begin at `folder`; without one they are refused. */
export function pluginSetOf(value: unknown, place: string, folder?: string): PluginSet {
  if (!form.Check(value)) throw invalidArgument(`${place}: ${problemOf(form.Errors(value), value)}`);
  const { complete = false, plugins } = value;
  const names = plugins.map(({ name }) => name);
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice !== -1)
    throw invalidArgument(
      `${place}: plugins[${twice}].name must be another plugin's, ${JSON.stringify(names[twice])} is in the list already`,
    );
  const wanted = plugins.map(({ source, enabled = true, ...rest }, index) => ({
    ...rest,
    enabled,
    ...(source === undefined ? {} : { source: sourceOf(source, `${place}: plugins[${index}].source`, folder) }),
  }));
  return { complete, plugins: wanted };
}

/** A folder or archive by its whole path, or the npm package as it is. */
function sourceOf(source: string, where: string, folder: string | undefined): string {
  if (!isPath(source)) return source;
  if (folder === undefined && !isAbsolute(source))
    throw invalidArgument(
      `${where} must be an absolute path on the daemon's host, or an npm package, got ${JSON.stringify(source)}`,
    );
  return resolve(folder ?? "/", source);
}

/** Whether it is a folder or archive, and no npm package. */
function isPath(source: string): boolean {
  return /^[./]/.test(source) || /\.(tar|tgz|tar\.gz)$/.test(source);
}

function problemOf(issues: SchemaIssue[], value: unknown): string {
  const unknown = issues.find(({ keyword }) => keyword === "additionalProperties");
  if (unknown === undefined) return describeIssue(issues, value);
  const known = unknown.instancePath === "" ? Object.keys(PluginSetFile.properties) : Object.keys(PluginSetEntry.properties);
  return `${describeIssue([unknown], value)}; its keys are ${known.join(", ")}`;
}
