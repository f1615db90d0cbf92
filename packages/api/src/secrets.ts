/**
 * What of a body or a message is a secret, told by what a field means and not by how it is spelled. Everything that shows or
 * remembers what passed through the daemon (logs, traces, events, errors, inspect of plugins) asks here.
 */

/** What stands in for a secret. */
export const secretMask = "***";

/** Fields of `NAME=VALUE` entries, or of objects of them: the names stay, so that a reader sees which one was touched. */
const namedValues = new Set(["env", "envs", "environ", "environment", "buildarg", "buildargs"]);

/** Fields whose whole value is a secret. */
const whole = new Set([
  "accesstoken",
  "apikey",
  "auth",
  "authconfig",
  "authorization",
  "auths",
  "credential",
  "credentials",
  "identitytoken",
  "passwd",
  "password",
  "privatekey",
  "proxyauthorization",
  "refreshtoken",
  "registryauth",
  "registrytoken",
  "secret",
  "secrets",
  "token",
  "xregistryauth",
  "xregistryconfig",
]);

/** `Env`, `env`, `build-args`, `X-Registry-Auth`, `identity_token`: spelling says nothing. */
function meaningOf(field: string): "named" | "whole" | "open" {
  const plain = field.replaceAll(/[-_.\s]/g, "").toLowerCase();
  return namedValues.has(plain) ? "named" : whole.has(plain) ? "whole" : "open";
}

/** Whether what is in a field of that name is a secret, or a list of named ones. */
export function isSecretField(field: string): boolean {
  return meaningOf(field) !== "open";
}

/** CRI writes a variable as `{ key, value }`. */
function isNameOfPair(field: string, pair: object, meaning: "named" | "whole" | "open"): boolean {
  return field === "key" && meaning === "named" && "value" in pair;
}

/** A copy whose secrets are masked, wherever they sit. `path` holds the names of the fields that led to the value. */
export function withoutSecrets(value: unknown, path: readonly string[] = []): unknown {
  const meaning = path.map(meaningOf).findLast((one) => one !== "open") ?? "open";
  return masked(value, meaning);
}

function masked(value: unknown, meaning: "named" | "whole" | "open", isNamed = false): unknown {
  if (Array.isArray(value)) return value.map((item) => masked(item, meaning));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => {
        if (isNameOfPair(key, value, meaning)) return [key, member];
        const own = meaningOf(key);
        return [key, masked(member, own === "open" ? meaning : own, meaning === "named" && own === "open")];
      }),
    );
  }
  if (value === undefined || value === null || typeof value === "boolean") return value;
  if (meaning === "open") return typeof value === "string" ? withoutCredentials(value) : value;
  if (meaning === "whole" || isNamed || typeof value !== "string") return secretMask;
  const equals = value.indexOf("=");
  return equals === -1 ? value : `${value.slice(0, equals + 1)}${secretMask}`;
}

/** Values this short are switches and numbers; masking them would make every message unreadable. */
const shortestSecret = 4;

/** Values shorter than this are masked where they stand alone: `info` is no part of "information". */
const shortestAnywhere = 8;

/** The secrets in a body, as they are and as JSON spells them, to be taken out of texts that somebody made of it. */
export function secretsIn(value: unknown): string[] {
  const found = new Set<string>();
  collect(value, "open", found);
  // The longest first: one secret may be a part of another.
  return [...found].filter((one) => one.length >= shortestSecret).sort((one, other) => other.length - one.length);
}

function collect(value: unknown, meaning: "named" | "whole" | "open", found: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) collect(item, meaning, found);
  else if (typeof value === "object" && value !== null) {
    if (isOpaque(value)) return;
    for (const [key, member] of Object.entries(value)) {
      if (isNameOfPair(key, value, meaning)) continue;
      const own = meaningOf(key);
      collect(member, own === "open" ? meaning : own, found);
    }
  } else if (typeof value === "string" && meaning !== "open") {
    const equals = value.indexOf("=");
    const secret = meaning === "named" && equals !== -1 ? value.slice(equals + 1) : value;
    found.add(secret).add(JSON.stringify(secret).slice(1, -1));
  }
}

/** Bytes and streams have members, and no field among them means anything. */
function isOpaque(value: object): boolean {
  return ArrayBuffer.isView(value) || ("pipe" in value && typeof value.pipe === "function");
}

function without(text: string, secret: string): string {
  if (secret.length >= shortestAnywhere) return text.replaceAll(secret, secretMask);
  const pieces: string[] = [];
  let from = 0;
  for (let at = text.indexOf(secret); at !== -1; at = text.indexOf(secret, from)) {
    const end = at + secret.length;
    const isPart = isInWord(text[at - 1], secret[0]) || isInWord(secret.at(-1), text[end]);
    pieces.push(text.slice(from, at), isPart ? secret : secretMask);
    from = end;
  }
  return pieces.join("") + text.slice(from);
}

/** Whether two signs that follow each other are of one word. */
function isInWord(one: string | undefined, next: string | undefined): boolean {
  return one !== undefined && next !== undefined && /^[\p{L}\p{N}]{2}$/u.test(one + next);
}

/** A text without these secrets, and without credentials of its own. */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  return withoutCredentials(possiblyIn(text, secrets).reduce((left, secret) => without(left, secret), text));
}

/** Secrets that are looked for as they are: to tell which may be there costs more than that. */
const fewSecrets = 32;

/** Those of them whose every four signs are in the text: to look for thousands of secrets that are not would take their number times the text. */
function possiblyIn(text: string, secrets: readonly string[]): readonly string[] {
  if (secrets.length <= fewSecrets) return secrets;
  const pieces = new Set<string>();
  for (let at = 0; at + shortestSecret <= text.length; at += 1) pieces.add(text.slice(at, at + shortestSecret));
  return secrets.filter((secret) => {
    if (secret.length > text.length) return false;
    // From the end: values of a kind begin alike.
    for (let at = secret.length - shortestSecret; at >= 0; at -= 1)
      if (!pieces.has(secret.slice(at, at + shortestSecret))) return false;
    return true;
  });
}

/** A text without the credentials that are known by their form: in URLs, in headers of authorization, in queries of a build. */
export function withoutCredentials(text: string): string {
  // Each form below needs one of these; to look for them first makes long texts without any cost next to nothing.
  if (!text.includes(":") && !text.includes("=")) return text;
  return (
    text
      // All in time that grows with the text alone, whoever wrote it. A scheme has a bound: one of any length would be looked for from
      // every letter of a long word; and no two runs of blanks follow each other, which could be parted in every way.
      .replaceAll(/([a-z][a-z0-9+.-]{0,31}:\/\/)[^\s/?#@"']+@/gi, `$1${secretMask}@`)
      .replaceAll(
        /\b((?:proxy-)?authorization["']?\s*[:=]\s*(?:["']\s*)?(?:(?:basic|bearer)\s*)?)[^\s"',;]+/gi,
        `$1${secretMask}`,
      )
      .replaceAll(/\b(x-registry-(?:auth|config)["']?\s*[:=]\s*["']?)[^\s"',;]+/gi, `$1${secretMask}`)
      .replaceAll(/\b(buildargs=)[^&\s"']+/gi, `$1${secretMask}`)
  );
}
