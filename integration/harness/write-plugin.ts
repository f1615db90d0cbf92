import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A plugin's package, whose code is one module. */
export interface WrittenPlugin {
  name: string;
  /** Default: 1.0.0. */
  version?: string;
  /** Its section of package.json. */
  pouch: object;
  code: string;
  /** Default: `js`. */
  language?: "js" | "ts";
  /** What else is in package.json. */
  more?: object;
}

/** Writes a plugin's package into a folder, and answers that folder. */
export function writePlugin(
  folder: string,
  { name, version = "1.0.0", pouch, code, language = "js", more = {} }: WrittenPlugin,
): string {
  const file = `index.${language}`;
  const packageJson = { name, version, type: "module", exports: `./${file}`, pouch, ...more };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify(packageJson));
  writeFileSync(join(folder, file), code);
  return folder;
}
