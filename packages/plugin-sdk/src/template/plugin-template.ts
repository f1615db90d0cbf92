import { invalidArgument } from "@pouchcontainer/errors";
import { pluginApiVersion } from "../api-version.ts";
import type { PluginPermissions } from "../permissions.ts";
import { pluginKinds, splitPoint, type PluginKind, type PointName } from "../points.ts";
import { firstPoints, pointSamples, sampledPoints } from "./point-samples.ts";
import { pythonFiles } from "./python-package.ts";
import { scriptFiles } from "./script-package.ts";

/** Languages a new plugin may be in. */
export const templateLanguages = ["typescript", "javascript", "python"] as const;
export type TemplateLanguage = (typeof templateLanguages)[number];

/** What `pouch plugin init` makes. */
export interface TemplateOptions {
  /** Name of the package and of the plugin. */
  name: string;
  /** Default: that of the points, or `container`. */
  kind?: string;
  /** `container.preStart`, or `preStart` where a kind is given. Default: the kind's first ones. */
  points?: readonly string[];
  /** What package.json says of the SDK: a version, or `file:` and the path of its archive. Python has none. */
  sdk: string;
  /** TypeScript runs without a build where Node is 22.18 or newer. Default: `typescript`. */
  language?: TemplateLanguage;
}

/** The files of a new plugin's package: path to content. Throws `invalidArgument` for a name, a kind or a point that is none. */
export function pluginTemplate(options: TemplateOptions): Record<string, string> {
  const { name, language = "typescript" } = options;
  if (!/^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/.test(name))
    throw invalidArgument(`"${name}" is no name for a package: lower case letters, digits, . _ -`);
  const points = pointsOf(options);
  const code = language === "python" ? pythonFiles(points) : scriptFiles(points, language === "typescript" ? "ts" : "js");
  const files = {
    "package.json": `${JSON.stringify(packageJson(options, points), undefined, 2)}\n`,
    ...code,
    "README.md": readme(points, language),
    ".gitignore": language === "python" ? "__pycache__/\n" : "node_modules/\n",
  };
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [path, content.replaceAll("NAME", name)]));
}

function pointsOf({ kind, points = [] }: TemplateOptions): PointName[] {
  const known = pluginKinds.find((one) => one === (kind ?? "container"));
  if (known === undefined) throw invalidArgument(`"${kind}" is no kind of plugin: one of ${pluginKinds.join(", ")}`);
  if (points.length === 0) return firstPoints[known];
  const asked = points.map((point) => pointOf(point, kind === undefined ? undefined : known));
  return sampledPoints.filter((point) => asked.includes(point));
}

function pointOf(given: string, kind: PluginKind | undefined): PointName {
  const point = sampledPoints.find((one) => one === given || (kind !== undefined && one === `${kind}.${given}`));
  const possible = sampledPoints.filter((one) => kind === undefined || splitPoint(one).kind === kind);
  if (point === undefined || !possible.includes(point))
    throw invalidArgument(
      `"${given}" is no point of ${kind === undefined ? "a plugin" : `a ${kind} plugin`}: one of ${possible.join(", ")}`,
    );
  return point;
}

function packageJson({ name, sdk, language = "typescript" }: TemplateOptions, points: readonly PointName[]): object {
  const pouch = { api: `^${pluginApiVersion}`, points, permissions: permissionsFor(points) };
  const head = { name, version: "0.1.0", description: `A plugin for PouchContainer: ${points.join(", ")}` };
  if (language === "python")
    return { ...head, scripts: { test: "python3 -m unittest" }, pouch: { ...pouch, command: ["python3", "plugin.py"] } };
  const extension = language === "typescript" ? "ts" : "js";
  return {
    ...head,
    type: "module",
    exports: `./index.${extension}`,
    // By name: a Node that does not run TypeScript looks for none itself, and finds nothing wrong.
    scripts: { test: `node --test *.test.${extension}`, check: "tsc -p ." },
    devDependencies: { "@pouchcontainer/plugin-sdk": sdk, "@types/node": ">=22", typescript: ">=5.8" },
    pouch,
  };
}

/** What the code of all samples needs. */
function permissionsFor(points: readonly PointName[]): PluginPermissions {
  const needs = points.map((point) => pointSamples[point].needs ?? {});
  const fields = Object.assign({}, ...needs.map((one) => one.fields ?? {})) as NonNullable<PluginPermissions["fields"]>;
  const routes = needs.flatMap((one) => one.routes ?? []);
  return {
    ...Object.assign({}, ...needs),
    ...(Object.keys(fields).length > 0 && { fields }),
    ...(routes.length > 0 && { routes }),
  };
}

function readme(points: readonly PointName[], language: TemplateLanguage): string {
  const own =
    language === "python"
      ? "python3 -m unittest          # calls its points as the daemon does\n"
      : "npm test                     # calls its points as the daemon does\nnpm install && npm run check # its types, with TypeScript of npm\n";
  return `# NAME

A plugin for PouchContainer. Points: ${points.map((point) => `\`${point}\``).join(", ")}.

\`\`\`
${own}pouch plugin install .       # brings it into a running daemon; again, or \`pouch plugin reload NAME\`, after a change
${points.map((point) => pointSamples[point].see).join("\n")}
\`\`\`
`;
}
