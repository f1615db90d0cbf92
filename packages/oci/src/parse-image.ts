import { isDigest } from "./digest.ts";
import { jsonExcess, maxJsonValues } from "./json-excess.ts";
import type { ContentDescriptor, ImageConfigFile, ImageHistoryEntry, ImageIndex, ImageManifest } from "./image.ts";
import type { Platform } from "./platform.ts";

/**
 * Decoders for the JSON documents of an image. They come from registries and archives of strangers: nothing of a document
 * is believed before it has the right shape, and no message repeats more than a field's name.
 */
export class InvalidImageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InvalidImageError";
  }
}

/** More layers than any builder makes; the kernel's overlay limit is below. */
const layerLimit = 1024;
const manifestLimit = 4096;
/** Values of a list of that many images, with platforms and annotations. */
export const maxIndexValues = 12 * manifestLimit;

export function parseManifest(bytes: Uint8Array): ImageManifest {
  const document = parseObject(bytes, "manifest");
  requireSchemaVersion(document, "manifest");
  const layers = requireArray(document["layers"], "manifest", "layers", layerLimit).map((layer) =>
    descriptorOf(layer, "manifest", "layers"),
  );
  const config = descriptorOf(document["config"], "manifest", "config");
  const { artifactType } = document;
  return { ...envelopeOf(document), ...(typeof artifactType === "string" && { artifactType }), config, layers };
}

export function parseIndex(bytes: Uint8Array): ImageIndex {
  const document = parseObject(bytes, "index", maxIndexValues);
  requireSchemaVersion(document, "index");
  const manifests = requireArray(document["manifests"], "index", "manifests", manifestLimit).map((item) =>
    descriptorOf(item, "index", "manifests"),
  );
  return { ...envelopeOf(document), manifests };
}

/** What a document with no type of its own is, by its fields. */
export function sniffDocument(bytes: Uint8Array): "index" | "manifest" | "schema1" | "unknown" {
  const document = parseObject(bytes, "manifest", maxIndexValues);
  if (document["schemaVersion"] === 1) return "schema1";
  if (Array.isArray(document["manifests"])) return "index";
  return Array.isArray(document["layers"]) ? "manifest" : "unknown";
}

/** An image may expose every port there is, beside all else that it says; each is a name and an object. */
const maxPortValues = 2 * 65_535;

export function parseImageConfig(bytes: Uint8Array): ImageConfigFile {
  const excess = jsonExcess(bytes);
  const document = parseObject(bytes, "config", maxJsonValues + maxPortValues);
  if (excess !== undefined) requireFewBesidePorts(document);
  const rootfs = document["rootfs"];
  if (!isObject(rootfs)) throw new InvalidImageError("invalid image config: rootfs is missing");
  const diffIds = requireArray(rootfs["diff_ids"] ?? [], "config", "rootfs.diff_ids", layerLimit);
  if (!diffIds.every((diffId) => typeof diffId === "string" && isDigest(diffId))) {
    throw new InvalidImageError("invalid image config: rootfs.diff_ids must be digests");
  }
  const history =
    document["history"] === undefined || document["history"] === null
      ? undefined
      : requireArray(document["history"], "config", "history", 4 * layerLimit);
  if (history) requireHistory(history);
  const config = document["config"];
  if (config !== undefined && config !== null) requireRunConfig(config);
  const texts: Partial<Record<(typeof textFields)[number], string>> = {};
  for (const field of textFields) {
    const text = document[field];
    if (!isGiven(text)) continue;
    if (typeof text !== "string") throw new InvalidImageError(`invalid image config: ${field} must be a string`);
    texts[field] = text;
  }
  // Nothing else: configs are in memory as long as their images are here.
  return {
    ...texts,
    os: texts.os || "linux",
    architecture: texts.architecture || "amd64",
    rootfs: { type: "layers", diff_ids: diffIds },
    ...(isObject(config) && { config: withoutNulls(config) }),
    ...(history && { history: history }),
  };
}

const textFields = ["architecture", "os", "variant", "created", "author", "comment", "docker_version", "os.version"] as const;
const historyTypes = { created: "string", created_by: "string", author: "string", comment: "string", empty_layer: "boolean" };

function requireHistory(steps: unknown[]): asserts steps is ImageHistoryEntry[] {
  for (const step of steps) {
    if (!isObject(step)) throw new InvalidImageError("invalid image config: history must be a list of objects");
    for (const [field, type] of Object.entries(historyTypes))
      if (isGiven(step[field]) && typeof step[field] !== type)
        throw new InvalidImageError(`invalid image config: history: ${field} must be a ${type}`);
  }
}

const stringFields = ["User", "WorkingDir", "StopSignal"];
const listFields = ["Env", "Entrypoint", "Cmd", "Shell", "OnBuild"];
const mapFields = ["Labels", "Volumes", "ExposedPorts"];

function requireRunConfig(config: unknown): void {
  if (!isObject(config)) throw new InvalidImageError("invalid image config: config must be an object");
  const refuse = (field: string, what: string): never => {
    throw new InvalidImageError(`invalid image config: config.${field} must be ${what}`);
  };
  for (const field of stringFields) {
    if (isGiven(config[field]) && typeof config[field] !== "string") refuse(field, "a string");
  }
  for (const field of listFields) {
    const value = config[field];
    if (isGiven(value) && !(Array.isArray(value) && value.every((item) => typeof item === "string")))
      refuse(field, "a list of strings");
  }
  for (const field of mapFields) {
    if (isGiven(config[field]) && !isObject(config[field])) refuse(field, "an object");
  }
  const labels = config["Labels"];
  if (isObject(labels) && !Object.values(labels).every((value) => typeof value === "string"))
    refuse("Labels", "an object of strings");
  for (const field of ["Volumes", "ExposedPorts"]) {
    const named = config[field];
    // Go's empty struct takes any object, and null.
    if (isObject(named) && !Object.values(named).every((value) => value === null || isObject(value)))
      refuse(field, "an object of objects");
  }
  requireHealthcheck(config["Healthcheck"], refuse);
}

function requireFewBesidePorts(document: Record<string, unknown>): void {
  const { config } = document;
  const rest = isObject(config) ? { ...document, config: { ...config, ExposedPorts: null } } : document;
  const excess = jsonExcess(Buffer.from(JSON.stringify(rest)));
  if (excess !== undefined) throw new InvalidImageError(`invalid image config: it ${excess.problem}`);
}

function requireHealthcheck(check: unknown, refuse: (field: string, what: string) => never): void {
  if (!isGiven(check)) return;
  if (!isObject(check)) return refuse("Healthcheck", "an object");
  const { Test: test } = check;
  if (isGiven(test) && !(Array.isArray(test) && test.every((word) => typeof word === "string")))
    refuse("Healthcheck.Test", "a list of strings");
  for (const field of ["Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"])
    if (isGiven(check[field]) && !Number.isSafeInteger(check[field])) refuse(`Healthcheck.${field}`, "a whole number");
}

function envelopeOf(document: Record<string, unknown>): {
  schemaVersion: 2;
  mediaType?: string;
  annotations?: Record<string, string>;
} {
  const mediaType = document["mediaType"];
  const annotations = stringMapOf(document["annotations"]);
  return { schemaVersion: 2, ...(typeof mediaType === "string" && { mediaType }), ...(annotations && { annotations }) };
}

function descriptorOf(value: unknown, kind: string, field: string): ContentDescriptor {
  const refuse = (what: string): never => {
    throw new InvalidImageError(`invalid image ${kind}: ${field}: ${what}`);
  };
  if (!isObject(value)) return refuse("a descriptor must be an object");
  const { mediaType, digest, size, urls, platform } = value;
  if (mediaType !== undefined && typeof mediaType !== "string") return refuse("mediaType must be a string");
  if (typeof digest !== "string" || !isDigest(digest)) return refuse("digest is not a digest");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return refuse("size is not a size");
  const annotations = stringMapOf(value["annotations"]);
  return {
    mediaType: mediaType ?? "",
    digest,
    size,
    ...(annotations && { annotations }),
    ...(Array.isArray(urls) && { urls: urls.filter((url) => typeof url === "string") }),
    ...(isPlatform(platform) && { platform }),
  };
}

function isPlatform(value: unknown): value is Platform {
  if (!isObject(value) || typeof value["os"] !== "string" || typeof value["architecture"] !== "string") return false;
  return value["variant"] === undefined || typeof value["variant"] === "string";
}

function stringMapOf(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function parseObject(bytes: Uint8Array, kind: string, maxValues?: number): Record<string, unknown> {
  const excess = jsonExcess(bytes, maxValues);
  if (excess !== undefined) throw new InvalidImageError(`invalid image ${kind}: it ${excess.problem}`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new InvalidImageError(`invalid image ${kind}: it is not JSON`, { cause });
  }
  if (!isObject(value)) throw new InvalidImageError(`invalid image ${kind}: it is not a JSON object`);
  return value;
}

function requireSchemaVersion(document: Record<string, unknown>, kind: string): void {
  if (document["schemaVersion"] !== 2) throw new InvalidImageError(`invalid image ${kind}: schemaVersion must be 2`);
}

function requireArray(value: unknown, kind: string, field: string, limit: number): unknown[] {
  if (!Array.isArray(value)) throw new InvalidImageError(`invalid image ${kind}: ${field} must be a list`);
  if (value.length > limit) throw new InvalidImageError(`invalid image ${kind}: ${field} has more than ${limit} items`);
  return value;
}

/** Go writes null for an empty list or map. */
function withoutNulls(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => isGiven(value)));
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
