import { Compile } from "typebox/compile";
import { isObject } from "./json-patch.ts";
import { entryOf, pointNames } from "./point-table.ts";
import type { PointName } from "./points.ts";
import type { SchemaIssue } from "./schema-issue.ts";

/** Complaints about a body; none when it is valid. */
export type BodyCheck = (value: unknown) => readonly SchemaIssue[];

/** The check of what a plugin may answer at each point; where it answers nothing, none. */
export type BodyChecks = Readonly<Record<PointName, BodyCheck>>;

/** Whole numbers as a client may send them: of 64 bits, as Go has them. */
function within64Bits(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(within64Bits);
  if (!isObject(schema)) return schema;
  const whole = schema["type"] === "integer" ? { minimum: -(2 ** 63), maximum: schema["minimum"] === 0 ? 2 ** 64 : 2 ** 63 } : {};
  return { ...whole, ...Object.fromEntries(Object.entries(schema).map(([key, member]) => [key, within64Bits(member)])) };
}

function check(schema: object): BodyCheck {
  // A schema is plain JSON at run time.
  const validator = Compile(within64Bits(schema) as object);
  return (value) => (validator.Check(value) ? [] : validator.Errors(value));
}

/** Compiles all checks; some milliseconds, once per daemon. */
export function compileBodyChecks(): BodyChecks {
  const checks = new Map<object, BodyCheck>();
  const checkOf = (schema: object): BodyCheck => {
    const known = checks.get(schema) ?? check(schema);
    checks.set(schema, known);
    return known;
  };
  const answers = pointNames.map((point) => {
    const { answer, rule } = entryOf(point);
    return [point, answer === undefined || rule === "routes" ? () => [] : checkOf(answer.schema)];
  });
  // One for each of all points.
  return Object.fromEntries(answers) as BodyChecks;
}
