import {
  celList,
  celMap,
  isCelList,
  isCelMap,
  isCelUint,
  type CelInput,
  type CelList,
  type CelMap,
  type CelValue,
} from "@bufbuild/cel";
import type { Meter } from "./meter.ts";

/** Numbers of this size and more are no int64 and stay doubles. */
const beyondInt = 2 ** 63;

/** How deep a value of a rule may be nested. */
const maxDepth = 100;

/**
 * A JSON value as CEL sees it: a whole number is an int, every other one a double, and a member that is null is not there. What nobody
 * looks at is not converted.
 */
export function celOf(value: unknown, meter: Meter): CelInput | undefined {
  switch (typeof value) {
    case "number":
      return Number.isInteger(value) && Math.abs(value) < beyondInt ? BigInt(value) : value;
    case "string":
    case "boolean":
      return value;
    case "object":
      if (value === null) return null;
      return Array.isArray(value) ? listOf(value, meter) : mapOf(value, meter);
    default:
      return undefined;
  }
}

function listOf(items: readonly unknown[], meter: Meter): CelList {
  meter.spend(items.length / 16);
  const isText = (item: unknown): item is string => typeof item === "string";
  if (items.every(isText)) return celList(items);
  meter.spend(items.length / 4);
  return celList(items.map((item) => celOf(item, meter) ?? null));
}

function mapOf(members: object, meter: Meter): CelMap {
  // Any object may be read by key; what is in it is looked at one by one.
  return celMap(new JsonMap(members as Record<string, unknown>, meter));
}

/** An object whose members are converted when they are asked for, each once. */
class JsonMap implements ReadonlyMap<string, CelInput> {
  readonly #members: Readonly<Record<string, unknown>>;
  readonly #meter: Meter;
  readonly #converted = new Map<string, CelInput>();
  #names: string[] | undefined;

  constructor(members: Readonly<Record<string, unknown>>, meter: Meter) {
    this.#members = members;
    this.#meter = meter;
  }

  get size(): number {
    return this.#known().length;
  }

  get(key: string): CelInput | undefined {
    const known = this.#converted.get(key);
    if (known !== undefined || typeof key !== "string" || !Object.hasOwn(this.#members, key)) return known;
    const value = celOf(this.#members[key], this.#meter) ?? undefined;
    if (value !== undefined) this.#converted.set(key, value);
    return value;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** CEL goes through all keys for one that is no string. */
  keys(): MapIterator<string> {
    const names = this.#known();
    this.#meter.spend(names.length / 16);
    return names.values();
  }

  *entries(): MapIterator<[string, CelInput]> {
    for (const name of this.keys()) {
      const value = this.get(name);
      if (value !== undefined) yield [name, value];
    }
  }

  *values(): MapIterator<CelInput> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[string, CelInput]> {
    return this.entries();
  }

  forEach(tell: (value: CelInput, key: string, map: ReadonlyMap<string, CelInput>) => void): void {
    for (const [name, value] of this.entries()) tell(value, name, this);
  }

  #known(): string[] {
    if (this.#names === undefined) {
      this.#names = Object.keys(this.#members).filter((name) => (this.#members[name] ?? null) !== null);
      this.#meter.spend(this.#names.length / 4);
    }
    return this.#names;
  }
}

/** What a rule answered as JSON. Throws for what JSON has no like of. */
export function jsonOf(value: CelValue, meter: Meter, depth = 0): unknown {
  meter.spend(1);
  if (depth > maxDepth) throw new Error(`it is nested deeper than ${maxDepth} levels`);
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return wholeNumber(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new Error(`${value} is a number that JSON has not`);
    return value;
  }
  if (isCelUint(value)) return wholeNumber(value.value);
  if (isCelList(value)) return Array.from(value, (item) => jsonOf(item, meter, depth + 1));
  if (isCelMap(value))
    return Object.fromEntries(Array.from(value.entries(), ([name, item]) => [nameOf(name), jsonOf(item, meter, depth + 1)]));
  throw new Error("bytes, timestamps, durations and types are nothing that JSON has: make a string of it with string(…)");
}

function wholeNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error(`${value} is more than a number in JSON holds`);
  return number;
}

function nameOf(key: unknown): string {
  if (typeof key !== "string") throw new Error("a key of an object has to be a string");
  return key;
}
