/** Texts that JSON writes as they are, a byte for each sign. */
const plain = /^[ !#-[\]-~]*$/;
/** Of a longer text only the least that JSON has for it is counted: nobody keeps one. */
const countedCharacters = 64 * 1024;

/** As many bytes as a value's JSON has, without making it; of a very long text it may have more. */
export function jsonBytes(value: unknown): number {
  if (typeof value === "string") return textBytes(value);
  if (typeof value !== "object" || value === null) return String(value).length;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + jsonBytes(item) + 1, 2);
  return Object.entries(value).reduce((sum, [key, member]) => sum + textBytes(key) + jsonBytes(member) + 2, 2);
}

function textBytes(text: string): number {
  if (plain.test(text)) return text.length + 2;
  return text.length > countedCharacters ? Buffer.byteLength(text) + 2 : Buffer.byteLength(JSON.stringify(text));
}
