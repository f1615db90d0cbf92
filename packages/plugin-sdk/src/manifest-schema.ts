import { Type } from "typebox";
import { permissionsSchema } from "./permissions-schema.ts";
import { pointNames } from "./point-table.ts";

/** What is asked before every call has to be answered quickly. */
const patterns = Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 256 }));

const filters = Type.Object(
  { labels: patterns, images: patterns, env: patterns, routes: patterns },
  { additionalProperties: false },
);

const settings = {
  priority: Type.Optional(Type.Integer()),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000 })),
  failurePolicy: Type.Optional(Type.Enum(["fail", "ignore"])),
  filters: Type.Optional(filters),
  onConflict: Type.Optional(Type.Enum(["record", "error"])),
};

/** The name of a user or a group, or its number. */
const account = "([A-Za-z_][A-Za-z0-9_.-]*|[0-9]{1,9})";

const point = Type.Enum([...pointNames]);

/**
 * Lists have a length and no `uniqueItems`: what looks for all that is there twice takes the square of a list's length, however long that may
 * be. JSON Schema of the `pouch` section in a plugin's `package.json`. */
export const pouchSectionSchema = Type.Object(
  {
    api: Type.String({ minLength: 1 }),
    points: Type.Union([
      Type.Array(point, { minItems: 1, maxItems: pointNames.length }),
      Type.Object(
        Object.fromEntries(
          pointNames.map((name) => [name, Type.Optional(Type.Object(settings, { additionalProperties: false }))]),
        ),
        { additionalProperties: false, minProperties: 1 },
      ),
    ]),
    ...settings,
    configuration: Type.Optional(Type.Object({}, { additionalProperties: true })),
    environment: Type.Optional(
      Type.Array(Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]*$", maxLength: 256 }), { maxItems: 256 }),
    ),
    command: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), { minItems: 1, maxItems: 256 })),
    memoryLimitMb: Type.Optional(Type.Integer({ minimum: 32, maximum: 65_536 })),
    // The kernel has no more process ids than these.
    pidsLimit: Type.Optional(Type.Integer({ minimum: 32, maximum: 4_194_304 })),
    user: Type.Optional(Type.String({ pattern: `^${account}(:${account})?$`, maxLength: 128 })),
    sharedProcess: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]*$", maxLength: 64 })),
    permissions: Type.Optional(permissionsSchema),
  },
  {
    additionalProperties: false,
    $id: "https://pouchcontainer.io/schemas/plugin-manifest.json",
    title: "The pouch section of a plugin's package.json",
  },
);
