import type { JsonSchema } from "./json-schema.ts";

/** Lower-case names of a schema's fields, made when a request first spells one in another way. */
const spellings = new WeakMap<object, Map<string, string>>();

/** The field that Go takes a key for: of that name, else of the same name in another case. */
export function fieldName(properties: Readonly<Record<string, JsonSchema>>, key: string): string | undefined {
  if (Object.hasOwn(properties, key)) return key;
  let names = spellings.get(properties);
  if (!names) {
    names = new Map(Object.keys(properties).map((name) => [name.toLowerCase(), name]));
    spellings.set(properties, names);
  }
  return names.get(key.toLowerCase());
}
