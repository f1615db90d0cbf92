import { internal, invalidArgument, isKind, resourceExhausted, type EngineError } from "@pouchcontainer/errors";
import type { AnswerBounds } from "./answer-bounds.ts";
import { pointerPart } from "./json-pointer.ts";
import { fieldName } from "./schema-issue.ts";

/** Of bodies that were bounded when they came in: no more than a last hold. */
const loose: AnswerBounds = { bytes: 64 * 1024 * 1024, values: 2_000_000, depth: 1000 };

/**
 * A deep copy that is plain JSON, as `JSON.stringify` and back would make it, at a fraction of the cost. Throws `invalidArgument` that names
 * the field, with its JSON pointer in `details.field`, for functions, cycles, numbers and texts that JSON lacks, and `resourceExhausted`
 * for what is beyond its bounds.
 */
export function cloneJson<T>(value: T): T {
  return copyWithin(value, loose);
}

/** The same within bounds of the caller's. */
export function copyWithin<T>(value: T, bounds: AnswerBounds): T {
  // The copy has the shape of the original; members that are `undefined` are absent, which optional properties allow.
  return new Copier(bounds).copy(value, "") as T;
}

/** What a plugin answered, out of its reach; what JSON cannot hold is its fault, and not that of whoever called it. */
export function copyAnswer<T>(answer: T, bounds = loose): T {
  try {
    return copyWithin(answer, bounds);
  } catch (error) {
    throw isKind(error, "invalidArgument") ? internal(error.message, { cause: error, details: error.details }) : error;
  }
}

/** Beyond what 64 bits hold a number is rounded when it is read, to what no client in Go could read again. */
const beyondInt64 = 2 ** 63;
const largestInt64 = 2 ** 63 - 1024;

class Copier {
  #values = 0;
  #characters = 0;
  readonly #bounds: AnswerBounds;
  /** Names and indexes of what is being copied; it becomes text only for a problem. */
  readonly #trail: (string | number)[] = [];

  constructor(bounds: AnswerBounds) {
    this.#bounds = bounds;
  }

  copy(value: unknown, key: string | number): unknown {
    this.#values += 1;
    if (this.#values > this.#bounds.values) throw this.#tooManyValues();
    switch (typeof value) {
      case "string":
        return this.#text(value, key);
      case "boolean":
      case "undefined":
        return value;
      case "number":
        return this.#number(value, key);
      case "object":
        return value === null ? null : this.#object(value, key);
      default:
        throw this.#refused(key, `is a ${typeof value}, which JSON cannot hold`);
    }
  }

  #text(text: string, key: string | number): string {
    this.#characters += text.length;
    if (this.#characters > this.#bounds.bytes)
      throw resourceExhausted(`the body holds more than ${this.#bounds.bytes} characters`);
    if (!text.isWellFormed()) throw this.#refused(key, "holds half of a surrogate pair, which is no text");
    return text;
  }

  #number(value: number, key: string | number): number {
    if (!Number.isFinite(value)) throw this.#refused(key, `is ${value}, which JSON cannot hold`);
    // JSON writes -0 as 0.
    return value === 0 ? 0 : value === beyondInt64 ? largestInt64 : value;
  }

  #object(value: object, key: string | number): unknown {
    const trail = this.#trail;
    if (trail.length > this.#bounds.depth)
      throw this.#refused(key, `is nested deeper than ${this.#bounds.depth} levels, or contains itself`);
    trail.push(key);
    const copied = Array.isArray(value) ? this.#list(value) : this.#members(value);
    trail.pop();
    return copied;
  }

  #list(list: readonly unknown[]): unknown[] {
    // Holes are items too: a list of a billion of them has one number only.
    if (this.#values + list.length > this.#bounds.values) throw this.#tooManyValues();
    const items: unknown[] = [];
    // JSON writes holes and undefined members of an array as null.
    for (let index = 0; index < list.length; index += 1) items.push(this.copy(list[index], index) ?? null);
    return items;
  }

  #members(value: object): unknown {
    // Any object may be read by key; members are looked at one by one.
    const source = value as Record<string, unknown>;
    if (typeof source["toJSON"] === "function") return this.copy(source["toJSON"](), "");
    const result: Record<string, unknown> = {};
    for (const key of Object.keys(source)) {
      const member = this.copy(source[key], key);
      if (member === undefined) continue;
      this.#text(key, key);
      // An own property, never the prototype.
      if (key === "__proto__")
        Object.defineProperty(result, key, { value: member, enumerable: true, writable: true, configurable: true });
      else result[key] = member;
    }
    return result;
  }

  #tooManyValues(): EngineError {
    return resourceExhausted(`the body holds more than ${this.#bounds.values} values`);
  }

  #refused(key: string | number, problem: string): EngineError {
    const pointer = [...this.#trail, key]
      .filter((part) => part !== "")
      .map((part) => `/${pointerPart(String(part).toWellFormed().slice(0, shownName))}`)
      .slice(0, shownNames)
      .join("");
    return invalidArgument(`${pointer === "" ? "the body" : fieldName(pointer)} ${problem}`, { details: { field: pointer } });
  }
}

/** Of a field's path what is told: a cycle has all the levels that are allowed. */
const shownNames = 10;
const shownName = 100;
