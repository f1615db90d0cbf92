import { invalidArgument } from "@pouchcontainer/errors";
import type { Static, TSchema } from "typebox";
import { fieldName } from "./field-name.ts";
import type { JsonSchema } from "./json-schema.ts";
import { pathOf, problemText, shown, type Problem } from "./problem.ts";
import { isSecretField } from "./secrets.ts";

/**
 * Reads JSON the way Go reads it into a struct: unknown fields are dropped, null is absent, a field's name matches in any case
 * with the exact one preferred, `__proto__` and the like are ordinary keys, half a surrogate pair is U+FFFD. What Go would refuse is a problem with its path.
 */

/** What to call the value in messages where there is no path. */
export interface DecodeOptions {
  /** Default `body`. */
  subject?: string;
}

/**
 * The value as the schema describes it; a new object, the input is not changed. Throws `invalidArgument` that names what is
 * wrong (the first three problems in the message, all in `details.problems`).
 */
export function decodeBody<T extends TSchema>(schema: T, value: unknown, options: DecodeOptions = {}): Static<T> {
  const reader = new Reader();
  // A TypeBox schema is plain JSON Schema at run time.
  const decoded = reader.read(schema, value);
  if (reader.problems.length > 0) throw refusal(reader.problems, options.subject);
  // The reader made it along the schema and reported what does not fit.
  return decoded as Static<T>;
}

/** What the value has that the schema does not allow; empty when it is right. Reads like `decodeBody`. */
export function validate(schema: TSchema, value: unknown): Problem[] {
  const reader = new Reader();
  reader.read(schema, value);
  return reader.problems;
}

function refusal(problems: Problem[], subject: string | undefined) {
  const said = problems.slice(0, 3).map((problem) => problemText(problem, subject));
  const more = problems.length > 3 ? `, and ${problems.length - 3} more` : "";
  return invalidArgument(said.join("; ") + more, { details: { problems } });
}

/** Walks a value along a schema. The path is a stack and becomes text only for a problem. */
class Reader {
  problems: Problem[] = [];
  readonly #path: (string | number)[] = [];

  read(schema: JsonSchema, value: unknown): unknown {
    if (schema.anyOf) return this.#readAny(schema.anyOf, value);
    switch (schema.type) {
      case "object":
        return this.#readObject(schema, value);
      case "array":
        return this.#readList(schema, value);
      default:
        if (!fits(schema, value)) this.#refuse(`must be ${wanted(schema)}${this.#got(value)}`);
        if (typeof value === "string") return value.toWellFormed();
        return schema.type === "integer" && value === 2 ** 63 ? largestRead : value;
    }
  }

  #refuse(message: string): void {
    this.problems.push({ path: this.#path.reduce(pathOf, ""), message });
  }

  /** What came instead; not where a secret belongs. */
  #got(value: unknown): string {
    return this.#path.some((key) => typeof key === "string" && isSecretField(key)) ? "" : `, got ${shown(value)}`;
  }

  #readAt(key: string | number, schema: JsonSchema, value: unknown): unknown {
    this.#path.push(key);
    const read = this.read(schema, value);
    this.#path.pop();
    return read;
  }

  /** Alternatives are "T or null" and constants; the first that fits is it, else the first one's problems are told. */
  #readAny(alternatives: readonly JsonSchema[], value: unknown): unknown {
    const before = this.problems;
    let first: Problem[] | undefined;
    for (const alternative of alternatives) {
      this.problems = [];
      const read = this.read(alternative, value);
      if (this.problems.length === 0) {
        this.problems = before;
        return read;
      }
      first ??= this.problems;
    }
    this.problems = [...before, ...(first ?? [])];
    return value;
  }

  #readObject(schema: JsonSchema, value: unknown): unknown {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.#refuse(`must be an object${this.#got(value)}`);
      return value;
    }
    // Keys of a parsed JSON object are its own strings; the cast only says that values are unknown.
    const entries = value as Record<string, unknown>;
    const free = schema.patternProperties?.["^.*$"];
    return free ? this.#readMap(free, entries) : this.#readFields(schema, entries);
  }

  #readFields(schema: JsonSchema, value: Record<string, unknown>): Record<string, unknown> {
    const properties = schema.properties ?? {};
    const read: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const field = value[key];
      if (field === null || field === undefined) continue;
      const name = fieldName(properties, key);
      const property = name === undefined ? undefined : properties[name];
      if (name === undefined || property === undefined) continue;
      // The exact spelling wins over another one of the same field.
      if (name !== key && Object.hasOwn(value, name) && value[name] !== null) continue;
      read[name] = this.#readAt(name, property, field);
    }
    if (schema.required) this.#completeFields(schema.required, properties, read);
    return read;
  }

  #completeFields(
    required: readonly string[],
    properties: NonNullable<JsonSchema["properties"]>,
    read: Record<string, unknown>,
  ): void {
    for (const name of required) {
      if (Object.hasOwn(read, name)) continue;
      const fallback = properties[name]?.default;
      if (fallback !== undefined) {
        read[name] = structuredClone(fallback);
        continue;
      }
      if (properties[name]?.anyOf?.some((alternative) => alternative.type === "null")) {
        read[name] = null;
        continue;
      }
      this.#path.push(name);
      this.#refuse("is missing");
      this.#path.pop();
    }
  }

  #readMap(schema: JsonSchema, value: Record<string, unknown>): Record<string, unknown> {
    const read: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const entry = this.#readAt(key, schema, value[key] ?? zeroOf(schema));
      const name = key.toWellFormed();
      if (name === "__proto__")
        Object.defineProperty(read, name, { value: entry, enumerable: true, configurable: true, writable: true });
      else read[name] = entry;
    }
    return read;
  }

  #readList(schema: JsonSchema, value: unknown): unknown {
    const items: unknown = schema["x-string-is-one"] && typeof value === "string" ? [value] : value;
    if (!Array.isArray(items)) {
      this.#refuse(`must be a list${this.#got(value)}`);
      return value;
    }
    const { minItems = 0, maxItems = Infinity } = schema;
    if (items.length < minItems) this.#refuse(`must have ${minItems} items, has ${items.length}`);
    else if (items.length > maxItems) this.#refuse(`must have at most ${maxItems} items, has ${items.length}`);
    const item = schema.items ?? {};
    return items.map((entry: unknown, index) => this.#readAt(index, item, entry ?? zeroOf(item)));
  }
}

/** Go's zero value: what null becomes inside a list or a map. Null itself where that is allowed. */
function zeroOf(schema: JsonSchema): unknown {
  switch (schema.type) {
    case "string":
      return "";
    case "boolean":
      return false;
    case "integer":
    case "number":
      return 0;
    case "array":
      return [];
    case "object":
      return {};
    default:
      return null;
  }
}

function fits(schema: JsonSchema, value: unknown): boolean {
  if (schema.const !== undefined) return value === schema.const;
  if (schema.enum) return schema.enum.includes(value);
  switch (schema.type) {
    case "string":
      return typeof value === "string" && (schema.pattern === undefined || new RegExp(schema.pattern, "u").test(value));
    case "boolean":
      return typeof value === "boolean";
    case "null":
      return value === null;
    case "integer":
      return Number.isInteger(value) && inRange(schema, Number(value));
    case "number":
      return typeof value === "number" && Number.isFinite(value) && inRange(schema, value);
    default:
      return true;
  }
}

/**
 * Go's int64, and uint64 where negative numbers are refused anyway. Its largest is rounded up when it is read, to what no client in
 * Go could read again: what is remembered is the largest number that JavaScript has below.
 */
const largestRead = 2 ** 63 - 1024;

function inRange({ minimum, maximum }: JsonSchema, value: number): boolean {
  const isUnsigned = minimum !== undefined && minimum >= 0;
  return value >= (minimum ?? -(2 ** 63)) && value <= (maximum ?? 2 ** (isUnsigned ? 64 : 63));
}

function wanted(schema: JsonSchema): string {
  if (schema.const !== undefined) return shown(schema.const);
  if (schema.enum) return `one of ${schema.enum.map((word) => JSON.stringify(word)).join(", ")}`;
  switch (schema.type) {
    case "string":
      return schema.pattern === undefined ? "a string" : `a string that matches ${schema.pattern}`;
    case "boolean":
      return "true or false";
    case "integer":
      return `an integer${bounds(schema)}`;
    case "number":
      return `a number${bounds(schema)}`;
    default:
      return "null";
  }
}

function bounds({ minimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` not below ${minimum}`;
  return maximum === undefined ? "" : ` not above ${maximum}`;
}
