import { celEnv, celFunc, celList, celMethod, CelScalar, isCelError, isCelList, isCelMap, listType } from "@bufbuild/cel";
import type { CelFunc, CelInput, CelList, CelType, CelValue } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import { pointerPart } from "@pouchcontainer/plugin-sdk/host";
import type { CelPatterns } from "./cel-patterns.ts";
import type { Meter } from "./meter.ts";

/** Functions that `bounded` puts into rules; no rule can name them. */
export const inserted = { within: "@within", range: "@range", append: "@append" };

/** Longest text or bytes a function may make. */
const longest = 1024 * 1024;
/** Longest text that numbers, durations and timestamps are read of. */
const longestScalar = 64;
/** Those with a time zone look it up. */
const stepsOfTimeZone = 1000;

/** Replaced below, since what they cost cannot be said beforehand, or left out. */
const replaced = new Set(["matches", "replace", "join", "format"]);
const searches = new Set(["contains", "indexOf", "lastIndexOf", "split"]);
/** Those that copy or compare whole pieces of text; others look at every character. */
const passing = new Set(["startsWith", "endsWith", "substring", "charAt", "_+_", "_<_", "_<=_", "_>_", "_>=_"]);
const scalars = new Set(["int", "uint", "double", "bool", "duration", "timestamp"]);
const comparisons = new Set(["_==_", "_!=_", "@in"]);

const { BOOL, DYN, INT, STRING } = CelScalar;
const LIST = listType(DYN);

/** CEL's functions and those for strings that Kubernetes has, each of which tells the meter what it takes. */
export function meteredFunctions(meter: Meter, patterns: CelPatterns): CelFunc[] {
  const known = [...celEnv({ funcs: strings }).funcs].filter(({ name }) => !replaced.has(name));
  return [...known.map((func) => metered(func, meter)), ...textFunctions(meter, patterns), ...listFunctions(meter)];
}

function metered(func: CelFunc, meter: Meter): CelFunc {
  const call = (target: CelValue | undefined, args: CelValue[]): CelInput => {
    spendFor(func.name, target === undefined ? args : [target, ...args], meter);
    const result = func.call(0, target, args);
    if (result === undefined) throw new Error(`${func.name} does not take this`);
    if (isCelError(result)) throw result;
    if ((typeof result === "string" || result instanceof Uint8Array) && result.length > longest) throw tooLong();
    return result;
  };
  return func.target === undefined
    ? celFunc(func.name, func.arguments, func.result, (...args: CelValue[]) => call(undefined, args))
    : methodOf(func.name, func.target, func.arguments, func.result, call);
}

function methodOf(
  name: string,
  target: CelType,
  args: readonly CelType[],
  result: CelType,
  call: (target: CelValue, args: CelValue[]) => CelInput,
): CelFunc {
  return celMethod(name, target, args, result, function (this: CelValue, ...given: CelValue[]) {
    return call(this, given);
  });
}

function spendFor(name: string, values: readonly CelValue[], meter: Meter): void {
  const [first, second] = values;
  const isText = typeof first === "string";
  if (isText && scalars.has(name) && first.length > longestScalar)
    throw new Error(`${name}(…) of a text of ${first.length} characters: at most ${longestScalar} are read`);
  if (comparisons.has(name) && !(name === "@in" && isCelMap(second))) for (const value of values) spendForAll(value, meter);
  else if (isText && searches.has(name)) meter.spend(1 + (first.length / 16) * (1 + lengthOf(second) / 8));
  else if (name.startsWith("get") && values.length > 1) meter.spend(stepsOfTimeZone);
  else meter.spend(1 + values.reduce<number>((sum, value) => sum + lengthOf(value), 0) / (passing.has(name) ? 64 : 4));
}

function lengthOf(value: CelValue | undefined): number {
  return typeof value === "string" || value instanceof Uint8Array ? value.length : 0;
}

function spendForAll(value: CelValue, meter: Meter): void {
  meter.spend(1 + lengthOf(value) / 64);
  if (isCelList(value)) for (const item of value) spendForAll(item, meter);
  else if (isCelMap(value)) for (const [, item] of value) spendForAll(item, meter);
}

function textFunctions(meter: Meter, patterns: CelPatterns): CelFunc[] {
  return [
    celMethod("matches", STRING, [STRING], BOOL, function (pattern) {
      return patterns.test(this, pattern);
    }),
    celMethod("replace", STRING, [STRING, STRING], STRING, function (from, to) {
      meter.spend(1 + (this.length / 16) * (1 + from.length / 8));
      if (from === "") throw new Error("replace(…) of nothing");
      return joined(this.split(from), to, meter);
    }),
    celMethod("join", LIST, [], STRING, function () {
      return joined(textsOf(this), "", meter);
    }),
    celMethod("join", LIST, [STRING], STRING, function (between) {
      return joined(textsOf(this), between, meter);
    }),
    celFunc("jsonpatch.escapeKey", [STRING], STRING, (key) => {
      meter.spend(1 + key.length / 4);
      return pointerPart(key);
    }),
  ];
}

function textsOf(list: CelList): string[] {
  return Array.from(list, (item) => {
    if (typeof item !== "string") throw new Error("join(…) of a list that has not only strings");
    return item;
  });
}

function joined(parts: readonly string[], between: string, meter: Meter): string {
  const length = parts.reduce((sum, part) => sum + part.length + between.length, 0);
  if (length > longest + between.length) throw tooLong();
  meter.spend(1 + parts.length + length / 64);
  return parts.join(between);
}

function tooLong(): Error {
  return new Error(`it makes more than ${longest} characters or bytes`);
}

function listFunctions(meter: Meter): CelFunc[] {
  /** Lists that are grown in place, since only the loop that makes them has them. */
  const growing = new WeakMap<CelList, CelInput[]>();
  return [
    celFunc("_+_", [LIST, LIST], LIST, (left, right) => {
      meter.spend(1 + (left.size + right.size) / 4);
      return celList([...left, ...right]);
    }),
    celFunc(inserted.within, [INT], BOOL, (steps) => {
      meter.spend(Number(steps));
      return true;
    }),
    celFunc(inserted.range, [DYN], DYN, (range) => {
      meter.spend(isCelList(range) || isCelMap(range) ? range.size : 1);
      return range;
    }),
    celFunc(inserted.append, [LIST, DYN], LIST, (list, item) => {
      meter.spend(1);
      const items = growing.get(list);
      if (items === undefined) {
        const begun = [...list, item];
        const made = celList(begun);
        growing.set(made, begun);
        return made;
      }
      items.push(item);
      return list;
    }),
  ];
}
