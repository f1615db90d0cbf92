import { Type } from "typebox";
import { permissionFlags } from "./permissions.ts";
import { entryOf, pointNames } from "./point-table.ts";

const flags = Object.keys(permissionFlags).map((name) => [name, Type.Optional(Type.Boolean())] as const);

/** Points with a body that a plugin may change. */
const changing = pointNames.filter((point) => ["changes", "rewrites"].includes(entryOf(point).rule));

/** They are asked for every field of every change. What is shown to who grants them must not steer a terminal: `*` stands for the rest. */
const fields = Type.Array(Type.String({ pattern: "^[!-~]+$", maxLength: 256 }), { maxItems: 128 });

const routes = Type.Array(Type.String({ pattern: "^(add|wrap|replace|remove) ([A-Z]+|\\*) [/*][!-~]*$", maxLength: 1024 }), {
  maxItems: 128,
});

/** JSON Schema of `PluginPermissions`. */
export const permissionsSchema = Type.Object(
  {
    fields: Type.Optional(
      Type.Object(Object.fromEntries(changing.map((point) => [point, Type.Optional(fields)])), { additionalProperties: false }),
    ),
    routes: Type.Optional(routes),
    ...Object.fromEntries(flags),
  },
  { additionalProperties: false },
);
