import { Type, type TSchema } from "typebox";

/**
 * The words schemas are written with: Go's JSON types, because Docker's API is what Go's encoder makes of Go structs.
 * The description ends up in the OpenAPI document.
 */

const described = (description?: string) => (description === undefined ? {} : { description });

/** Text. */
export const text = (description?: string) => Type.String(described(description));

/** `true` or `false`. */
export const flag = (description?: string) => Type.Boolean(described(description));

/** A whole number (Go's int, int64). Sizes are bytes unless the description says otherwise. */
export const integer = (description?: string) => Type.Integer(described(description));

/** A whole number that is never negative (Go's uint). */
export const unsigned = (description?: string) => Type.Integer({ minimum: 0, ...described(description) });

/** Any number (Go's float64). */
export const decimal = (description?: string) => Type.Number(described(description));

/** A list. */
export const list = <T extends TSchema>(item: T, description?: string) => Type.Array(item, described(description));

/** An object with free keys. */
export const map = <T extends TSchema>(value: T, description?: string) =>
  Type.Record(Type.String(), value, described(description));

/** A set written as an object: keys to empty objects (Go's `map[string]struct{}`). */
export const set = (description?: string) => Type.Record(Type.String(), Type.Object({}), described(description));

/** One of a few words. */
export const oneOf = <const T extends string>(...choices: T[]) => Type.Enum(choices);

/** May be `null` in an answer. In a request null always means absent. */
export const nullable = <T extends TSchema>(type: T) => Type.Union([type, Type.Null()]);

/** May be left out. */
export const optional = <T extends TSchema>(type: T) => Type.Optional(type);

/** A command line: a list of words, where a request may also send one string, which is one word (Docker's `strslice`). */
export const words = (description?: string) => Type.Array(Type.String(), { "x-string-is-one": true, ...described(description) });
