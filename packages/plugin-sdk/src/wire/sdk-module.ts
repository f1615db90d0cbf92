import { registerHooks } from "node:module";
import * as sdk from "../index.ts";

/** Where the plugin's module finds this process's SDK; a plugin needs no copy of its own, and the versions always fit. */
const sdkKey = Symbol.for("@pouchcontainer/plugin-sdk/module/1");
const sdkUrl = "pouch-plugin-sdk:index";

/** From now on `import … from "@pouchcontainer/plugin-sdk"` in this process leads to the SDK that runs it. */
export function provideSdk(): void {
  // globalThis is an ordinary object; the symbol is this package's own.
  (globalThis as { [sdkKey]?: typeof sdk })[sdkKey] = sdk;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "@pouchcontainer/plugin-sdk"
        ? { url: sdkUrl, format: "module", shortCircuit: true }
        : next(specifier, context),
    load: (url, context, next) =>
      url === sdkUrl ? { format: "module", source: source(), shortCircuit: true } : next(url, context),
  });
}

function source(): string {
  return `export const { ${Object.keys(sdk).join(", ")} } = globalThis[Symbol.for("@pouchcontainer/plugin-sdk/module/1")];`;
}
