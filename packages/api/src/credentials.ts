/**
 * Secrets in texts and command lines, known by the name that they are given there or by their form. All expressions take time that grows
 * with the text alone, whoever wrote it: what may stand in front of a word has a bound, or is not looked at, and no two runs of the same
 * signs follow each other, which could be parted in every way.
 */

/** What stands in for a secret. */
export const secretMask = "***";

/** What a name ends in that is a secret's, in every spelling. */
const words = String.raw`(?:pass(?:word|wd|phrase|code)s?|secrets?|token|credentials?|creds|(?:api|access|secret|private|encryption|signing|account|master)[-_.\s]?key|(?:basic|digest)auth(?:\.users)?|(?<![a-z])(?:pass|pwd))`;
/** What is quoted, or goes on to the next blank or the next part of a query. */
const value = String.raw`("[^"]*"|'[^']*'|[^\s"'&]+)`;
const variable = String.raw`[a-z_]\w{0,127}=`;

/** Each has two groups: what stays, and the secret behind it. */
const forms: readonly RegExp[] = [
  // https://user:password@host
  /([a-z][a-z0-9+.-]{0,31}:\/\/)([^\s/?#"']+)(?=@)/gi,
  /\b((?:proxy-)?authorization["']?\s*[:=]\s*(?:["']\s*)?(?:(?:basic|bearer)\s*)?)([^\s"',;]+)/gi,
  /\b(x-registry-(?:auth|config)["']?\s*[:=]\s*["']?)([^\s"',;]+)/gi,
  /\b(buildargs=)([^&\s"']+)/gi,
  // DB_PASSWORD=…, ?token=…, {"password": "…"}
  new RegExp(String.raw`(${words}(?:=|\\{0,3}["']\s?[:=]\s?\\{0,3}(?=["'])))${value}`, "gi"),
  // --api-key …
  new RegExp(String.raw`((?<![\w-])--?[\w.-]{0,64}?${words}[\s\\]+)(?!-)${value}`, "gi"),
  // -e NAME=…
  new RegExp(String.raw`((?<![\w-])(?:-e|--env)[=\s]${variable})${value}`, "gi"),
  new RegExp(String.raw`((?<![\w-])(?:-e|--env)[=\s]["']${variable})([^"']+)`, "gi"),
  // X-Vault-Token: …
  /((?:-(?:token|secret|password)|\bapi-?key)\s?:\s?)([^\s"',;]+)/gi,
  /(\b(?:set-)?cookie:\s?)([^"'\r\n]+)/gi,
];

/** A text without the credentials that it names, or that are known by their form: those of URLs, of headers, of queries. */
export function withoutCredentials(text: string): string {
  if (!mayHold(text)) return text;
  return forms.reduce((left, form) => left.replaceAll(form, `$1${secretMask}`), text);
}

/** What {@link withoutCredentials} masks. */
export function credentialsIn(text: string): string[] {
  if (!mayHold(text)) return [];
  return forms.flatMap((form) => Array.from(text.matchAll(form), ([, , secret = ""]) => secret.replaceAll(/^["']|["']$/g, "")));
}

/** Each form needs one of these, and something of these signs; to look for them first makes texts without any cost next to nothing. */
const hint = /:\/\/|auth|x-registry|buildargs|pass|pwd|secret|token|cred|key|cookie|-e/i;
const mayHold = (text: string): boolean => /[:=-]/.test(text) && hint.test(text);

const secretName = new RegExp(`${words}$`, "i");

/** Whether a field, a label, a flag or a variable of that name has a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

const assignment = /^([\w.-]{0,128})=/;

/**
 * Where in an argument a secret begins that goes to its end, whatever signs it has: behind `--password=`, at the beginning of what follows
 * `--password`, behind the name of what follows `-e`.
 */
export function secretInArgument(text: string, before: unknown): number | undefined {
  const flag = typeof before === "string" && /^--?[\w.-]{1,128}$/.test(before) ? before : "";
  if (isSecretName(flag) && !/^--?[a-z]/i.test(text)) return 0;
  const name = assignment.exec(text)?.[1];
  if (name === undefined) return undefined;
  const isSecret = flag === "-e" || flag === "--env" || (isSecretName(name) && (name.startsWith("-") || !/\s/.test(text)));
  return isSecret ? name.length + 1 : undefined;
}
