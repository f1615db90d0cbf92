/**
 * What of a body or a message is a secret, told by what a field means and not by how it is spelled. Everything that shows or
 * remembers what passed through the daemon (logs, traces, events, errors, inspect of plugins) asks here.
 */

import { credentialsIn, isSecretName, secretInArgument, secretMask, withoutCredentials } from "./credentials.ts";

/** Fields of `NAME=VALUE` entries, or of objects of them: the names stay, so that a reader sees which one was touched. */
const namedValues = new Set(["env", "envs", "environ", "environment", "buildarg", "buildargs"]);

/** Fields whose whole value is a secret, besides those whose name ends in a word for one. */
const whole = new Set([
  "auth",
  "authconfig",
  "authorization",
  "auths",
  "proxyauthorization",
  "registryauth",
  "tokens",
  "xregistryauth",
  "xregistryconfig",
]);

/** `Env`, `env`, `build-args`, `X-Registry-Auth`, `identity_token`, a label `example.com/db-password`: spelling says nothing. */
function meaningOf(field: string): "named" | "whole" | "open" {
  const plain = field.replaceAll(/[-_.\s]/g, "").toLowerCase();
  return namedValues.has(plain) ? "named" : whole.has(plain) || isSecretName(field) ? "whole" : "open";
}

/** Whether what is in a field of that name is a secret, or a list of named ones. */
export function isSecretField(field: string): boolean {
  return meaningOf(field) !== "open";
}

/** CRI writes a variable as `{ key, value }`. */
function isNameOfPair(field: string, pair: object, meaning: "named" | "whole" | "open"): boolean {
  return field === "key" && meaning === "named" && "value" in pair;
}

/**
 * A copy whose secrets are masked, wherever they sit. `path` holds the names of the fields that led to the value, `before` the item in
 * front of one of a list, such as the flag that an argument belongs to.
 */
export function withoutSecrets(value: unknown, path: readonly string[] = [], before?: unknown): unknown {
  const meaning = path.map(meaningOf).findLast((one) => one !== "open") ?? "open";
  return masked(value, meaning, { before });
}

function masked(
  value: unknown,
  meaning: "named" | "whole" | "open",
  { isNamed = false, before }: { isNamed?: boolean; before?: unknown } = {},
): unknown {
  if (Array.isArray(value)) return value.map((item, index) => masked(item, meaning, { before: value[index - 1] }));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => {
        if (isNameOfPair(key, value, meaning)) return [key, member];
        const own = meaningOf(key);
        return [key, masked(member, own === "open" ? meaning : own, { isNamed: meaning === "named" && own === "open" })];
      }),
    );
  }
  if (value === undefined || value === null || typeof value === "boolean") return value;
  if (meaning === "open") return typeof value === "string" ? maskedText(value, before) : value;
  if (meaning === "whole" || isNamed || typeof value !== "string") return secretMask;
  const equals = value.indexOf("=");
  return equals === -1 ? value : `${value.slice(0, equals + 1)}${secretMask}`;
}

function maskedText(text: string, before: unknown): string {
  const at = secretInArgument(text, before);
  return at === undefined ? withoutCredentials(text) : `${text.slice(0, at)}${secretMask}`;
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

function collect(value: unknown, meaning: "named" | "whole" | "open", found: Set<string>, before?: unknown): void {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) collect(item, meaning, found, value[index - 1]);
  else if (typeof value === "object" && value !== null) {
    if (isOpaque(value)) return;
    for (const [key, member] of Object.entries(value)) {
      if (isNameOfPair(key, value, meaning)) continue;
      const own = meaningOf(key);
      collect(member, own === "open" ? meaning : own, found);
    }
  } else if (typeof value === "string") {
    for (const secret of secretsOf(value, meaning, before)) found.add(secret).add(JSON.stringify(secret).slice(1, -1));
  }
}

function secretsOf(text: string, meaning: "named" | "whole" | "open", before: unknown): string[] {
  if (meaning === "whole") return [text];
  if (meaning === "named") return [text.slice(text.indexOf("=") + 1)];
  const at = secretInArgument(text, before);
  return at === undefined ? credentialsIn(text) : [text.slice(at)];
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
