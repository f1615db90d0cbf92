import { Type, type TProperties } from "typebox";
import { assistantProcessSchema } from "../assistant-process.ts";
import { pouchSectionSchema } from "../manifest-schema.ts";
import type { Argument } from "../point-rules.ts";
import { entryOf, membersOf, pointNames } from "../point-table.ts";
import type { PointName } from "../points.ts";
import { pointPath } from "./wire.ts";

const call = Type.Object({
  id: Type.String(),
  timeoutMs: Type.Integer(),
  container: Type.Optional(Type.Object({ id: Type.Optional(Type.String()), name: Type.Optional(Type.String()) })),
});

const operations = Type.Array(
  Type.Object({
    op: Type.Enum(["add", "remove", "replace", "wrap"]),
    method: Type.String(),
    path: Type.String(),
    before: Type.Optional(Type.Boolean()),
    after: Type.Optional(Type.Boolean()),
    requestBody: Type.Optional(Type.Boolean()),
    responseBody: Type.Optional(Type.Boolean()),
  }),
);

const exchange = (request: TProperties, answer: TProperties): object => ({
  request: Type.Object({ call, ...request }),
  // What is left out of an answer did not change.
  answer: Type.Object(Object.fromEntries(Object.entries(answer).map(([name, schema]) => [name, Type.Optional(schema)]))),
});

const schemasOf = (args: readonly Argument[]): TProperties => Object.fromEntries(args.map(({ name, schema }) => [name, schema]));

/** Bodies of a point; of one whose bodies are raw, none. */
function exchangeOf(point: PointName): object | undefined {
  const { rule, args, answer } = entryOf(point);
  switch (rule) {
    case "rewrites":
      return undefined;
    case "supervises":
      return exchange({ stateDirectory: Type.String() }, {});
    case "routes":
      return exchange({ ...schemasOf(args), inUse: Type.Array(Type.String()) }, { operations });
    default:
      return exchange(schemasOf(membersOf(point)), schemasOf(answer === undefined ? [] : [answer]));
  }
}

/** JSON Schemas of the bodies of docs/plugin-protocol.md, by path. `PreUpdate` has none: its bodies are raw. */
const protocolSchemas = {
  manifest: pouchSectionSchema,
  "/Plugin.Activate": {
    request: Type.Object({ apiVersion: Type.String(), name: Type.String(), configuration: Type.Object({}) }),
    answer: Type.Object({ Implements: Type.Array(Type.String()) }),
  },
  "/Supervisor.Start": {
    request: Type.Object({ process: assistantProcessSchema }),
    answer: Type.Object({ name: Type.String(), pid: Type.Optional(Type.Integer()) }),
  },
  error: Type.Object({ Err: Type.String(), Kind: Type.Optional(Type.String()) }),
  ...Object.fromEntries(
    pointNames.flatMap((point) => {
      const bodies = exchangeOf(point);
      return bodies === undefined ? [] : [[pointPath(point), bodies]];
    }),
  ),
};

/** The text of docs/plugin-protocol.schema.json. */
export function protocolSchemaDocument(): string {
  const document = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Bodies of the PouchContainer plugin protocol",
    definitions: protocolSchemas,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
