import { goDuration } from "../../go-duration.ts";
import type { ImageHealthcheck } from "@pouchcontainer/oci";

/** A text as Go quotes it (`%q`). */
export function goQuoted(text: string): string {
  const inside = Array.from(text, (character) => escapes.get(character) ?? (isPrinted(character) ? character : coded(character)));
  return `"${inside.join("")}"`;
}

/** A list of them, as Go writes lists. */
export const goQuotedList = (words: readonly string[]): string => `[${words.map(goQuoted).join(" ")}]`;

/** A health check as dockerd's history has it: Go's `%q` of the structure that it keeps it in. */
export function goHealthcheck({ Test, Interval, Timeout, StartPeriod, Retries = 0 }: ImageHealthcheck): string {
  const times = [Interval, Timeout, StartPeriod].map((nanoseconds = 0) => goQuoted(goDuration(nanoseconds / 1e6)));
  return `&{${[goQuotedList(Test ?? []), ...times, goRune(Retries)].join(" ")}}`;
}

function goRune(code: number): string {
  const character = String.fromCodePoint(code);
  if (character === "'") return String.raw`'\''`;
  if (character === '"') return `'"'`;
  return `'${goQuoted(character).slice(1, -1)}'`;
}

const escapes = new Map(
  Object.entries({
    '"': String.raw`\"`,
    "\\": "\\\\",
    "\u0007": String.raw`\a`,
    "\b": String.raw`\b`,
    "\f": String.raw`\f`,
    "\n": String.raw`\n`,
    "\r": String.raw`\r`,
    "\t": String.raw`\t`,
    "\v": String.raw`\v`,
  }),
);

/** Letters, marks, numbers, punctuation, symbols and the blank (Go's `strconv.IsPrint`). */
const isPrinted = (character: string): boolean => /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character);

function coded(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}
