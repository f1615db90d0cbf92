import { isDigest, type Digest } from "./digest.ts";

/**
 * Image references as the distribution project defines and normalises them: `busybox` is `docker.io/library/busybox`.
 * What a short name stands for is a setting, `NamingDefaults`; everything that prints a name takes it along.
 */
export interface NamingDefaults {
  /** Registry of a name that has none, `docker.io`. */
  domain: string;
  /** First part of the path of a name that has a single one, `library`; empty for none. */
  namespace: string;
}

export const dockerNaming: NamingDefaults = { domain: "docker.io", namespace: "library" };

/** A normalised reference: the domain is always there, the tag or the digest only where it was said. */
export interface Reference {
  domain: string;
  /** Path in the registry, `library/busybox`. */
  path: string;
  tag?: string;
  digest?: Digest;
}

/** The text cannot be a reference. The message is the one Docker gives. */
export class InvalidReferenceError extends Error {
  constructor(message = "invalid reference format") {
    super(message);
    this.name = "InvalidReferenceError";
  }
}

const domainName =
  "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*";
const domain = `(?:${domainName}|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const pathPart = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const path = `${pathPart}(?:/${pathPart})*`;
const tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";

const referencePattern = new RegExp(`^(?:(${domain})/)?(${path})(?::(${tag}))?(?:@(${digest}))?$`);
const tagPattern = new RegExp(`^${tag}$`);
const identifierPattern = /^[a-f0-9]{64}$/;

const nameLengthLimit = 255;
/** Longer than any valid reference; keeps the pattern away from hostile input. */
const inputLengthLimit = 1024;

/** Parses and normalises. Throws `InvalidReferenceError`. */
export function parseReference(text: string, naming: NamingDefaults = dockerNaming): Reference {
  if (identifierPattern.test(text)) {
    throw new InvalidReferenceError(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  if (text.length === 0 || text.length > inputLengthLimit) throw new InvalidReferenceError();

  const { domain, remainder } = splitDomain(text, naming);
  const name = remainder.split(/[:@]/, 1)[0] ?? "";
  if (name.toLowerCase() !== name) {
    throw new InvalidReferenceError(`invalid reference format: repository name (${name}) must be lowercase`);
  }
  const match = referencePattern.exec(`${domain}/${remainder}`);
  const [, matchedDomain, path, tag, digest] = match ?? [];
  if (matchedDomain === undefined || path === undefined) throw new InvalidReferenceError();
  if (matchedDomain.length + 1 + path.length > nameLengthLimit) {
    throw new InvalidReferenceError(`repository name must not be more than ${nameLengthLimit} characters`);
  }
  if (digest !== undefined && !isDigest(digest)) throw new InvalidReferenceError("invalid checksum digest format");
  return { domain: matchedDomain, path, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** `parseReference`, and `latest` where neither tag nor digest was given. */
export function parseTaggedReference(text: string, naming: NamingDefaults = dockerNaming): Reference {
  return withDefaultTag(parseReference(text, naming));
}

export function withDefaultTag(reference: Reference): Reference {
  if (reference.tag !== undefined || reference.digest !== undefined) return reference;
  return { ...reference, tag: "latest" };
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

function splitDomain(text: string, naming: NamingDefaults): { domain: string; remainder: string } {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const isDomain = slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  let domain = isDomain ? first : naming.domain;
  let remainder = isDomain ? text.slice(slash + 1) : text;
  if (domain === "index.docker.io") domain = "docker.io";
  const namespace = namespaceOf(domain, naming);
  if (namespace !== "" && !remainder.includes("/")) remainder = `${namespace}/${remainder}`;
  return { domain, remainder };
}

/** docker.io has `library` also where another registry is the default. */
function namespaceOf(domain: string, naming: NamingDefaults): string {
  if (domain === naming.domain) return naming.namespace;
  return domain === dockerNaming.domain ? dockerNaming.namespace : "";
}

/** `docker.io/library/busybox`. */
export function repositoryOf(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The normalised text, `docker.io/library/busybox:latest`. */
export function formatReference(reference: Reference): string {
  return repositoryOf(reference) + suffixOf(reference);
}

/** The repository as people write it, `busybox`. */
export function familiarRepository(reference: Reference, naming: NamingDefaults = dockerNaming): string {
  if (reference.domain !== naming.domain) return repositoryOf(reference);
  const prefix = `${naming.namespace}/`;
  const { path } = reference;
  return naming.namespace !== "" && path.startsWith(prefix) && !path.slice(prefix.length).includes("/")
    ? path.slice(prefix.length)
    : path;
}

/** The reference as people write it, `busybox:latest`. */
export function familiarReference(reference: Reference, naming: NamingDefaults = dockerNaming): string {
  return familiarRepository(reference, naming) + suffixOf(reference);
}

function suffixOf({ tag, digest }: Reference): string {
  return (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);
}

/** Reads a `--default-registry` value: `registry.example` (single names stay in `library`) or `registry.example/team`. */
export function parseNamingDefaults(text: string): NamingDefaults {
  const slash = text.indexOf("/");
  const domain = slash < 0 ? text : text.slice(0, slash);
  const namespace = slash < 0 ? dockerNaming.namespace : text.slice(slash + 1);
  if (!new RegExp(`^${domainPatternSource}$`).test(domain) || (namespace !== "" && !new RegExp(`^${path}$`).test(namespace))) {
    throw new InvalidReferenceError(
      `invalid default registry "${text}": it must look like "registry.example" or "registry.example/namespace"`,
    );
  }
  return { domain, namespace };
}

const domainPatternSource = domain;

const shortIdPattern = /^(?:sha256:)?([0-9a-f]{1,64})$/;

/** The hex digits of what may be an id or the start of one (`sha256:ab12…`, `ab12…`), else undefined. */
export function idPrefixOf(text: string): string | undefined {
  return shortIdPattern.exec(text)?.[1];
}
