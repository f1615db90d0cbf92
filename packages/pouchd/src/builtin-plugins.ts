import type { BuiltinPlugin } from "@pouchcontainer/engine";

/** The plugins compiled into the daemon. The build puts those chosen with `hack/module` in this file's place (docs/adr/0004). */
export const builtinPlugins: readonly BuiltinPlugin[] = [];
