/** Values as Go's `fmt` prints them with `%v`, and its verbs for `printf`. */

/** The default notation of a value: `[a b]`, `map[k:v]`, `<no value>`. */
export function goString(value: unknown, top = true): string {
  if (value === undefined) return top ? "<no value>" : "<nil>";
  if (value === null) return top ? "<no value>" : "<nil>";
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return numberText(value);
  if (Array.isArray(value)) return `[${value.map((one) => goString(one, false)).join(" ")}]`;
  if (typeof value === "object") {
    const keys = Object.keys(value).sort();
    // Object.keys lists keys of this very object.
    return `map[${keys.map((key) => `${key}:${goString((value as Record<string, unknown>)[key], false)}`).join(" ")}]`;
  }
  return "";
}

function numberText(value: number | boolean | bigint): string {
  if (typeof value === "number" && (Math.abs(value) >= 1e21 || (value !== 0 && Math.abs(value) < 1e-4))) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return String(value);
}

const escapes: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** Go's `%q` of a text, and `strconv.Quote`: what does not print is written by its number. */
export function goQuote(text: string): string {
  return `"${text.toWellFormed().replaceAll(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (char) => escapes[char] ?? byNumber(char))}"`;
}

function byNumber(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}

const verb = /%([-+# 0]*)(\d+|\*)?(?:\.(\d+))?([a-zA-Z%])/g;

/** `printf`: the verbs v s d q x X t f g e c and `%%`, with width, precision and the flags `-`, `0`, `+`. */
export function goPrintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const used = (): unknown => args[next++];
  const text = format.replaceAll(
    verb,
    (_, flags: string, width: string | undefined, precision: string | undefined, letter: string) => {
      if (letter === "%") return "%";
      const room = width === "*" ? Number(used()) : Number(width ?? 0);
      if (next >= args.length) return `%!${letter}(MISSING)`;
      const value = formatVerb(letter, used(), flags, precision);
      if (flags.includes("-")) return value.padEnd(room);
      return value.padStart(room, flags.includes("0") && /^[+-]?[\d.]/.test(value) ? "0" : " ");
    },
  );
  const extra = args.slice(next).map((one) => `${goTypeName(one)}=${goString(one, false)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(", ")})`;
}

function formatVerb(letter: string, value: unknown, flags: string, precision: string | undefined): string {
  const signed = (text: string): string => (flags.includes("+") && !text.startsWith("-") ? `+${text}` : text);
  const bad = `%!${letter}(${goTypeName(value)}=${goString(value, false)})`;
  switch (letter) {
    case "v":
      return goString(value, false);
    case "s":
      return typeof value === "number" || typeof value === "boolean" ? bad : goString(value, false).slice(0, limit(precision));
    case "q":
      return typeof value === "string"
        ? goQuote(value)
        : Array.isArray(value)
          ? `[${value.map((one) => goQuote(goString(one))).join(" ")}]`
          : bad;
    case "d":
      if (typeof value === "bigint") return signed(String(value));
      return typeof value === "number" ? signed(String(Math.trunc(value))) : bad;
    case "t":
      return typeof value === "boolean" ? String(value) : bad;
    case "f":
      return typeof value === "number" ? signed(value.toFixed(Number(precision ?? 6))) : bad;
    case "e":
      return typeof value === "number" ? signed(value.toExponential(Number(precision ?? 6))) : bad;
    case "g":
      return typeof value === "number"
        ? signed(precision === undefined ? String(value) : String(Number(value.toPrecision(Number(precision)))))
        : bad;
    case "x":
    case "X": {
      const hex =
        typeof value === "number" || typeof value === "bigint"
          ? value.toString(16)
          : Buffer.from(goString(value, false)).toString("hex");
      return letter === "X" ? hex.toUpperCase() : hex;
    }
    case "c":
      return typeof value === "number" ? String.fromCodePoint(value) : bad;
    default:
      return bad;
  }
}

const limit = (precision: string | undefined): number | undefined => (precision === undefined ? undefined : Number(precision));

function goTypeName(value: unknown): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int64";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}
