import type { BuiltinPlugin } from "@pouchcontainer/engine";

/** Without plugins; `hack/build` puts the list of those that `hack/module` chose in this module's place (ADR 4). */
export const builtinPlugins: readonly BuiltinPlugin[] = [];
