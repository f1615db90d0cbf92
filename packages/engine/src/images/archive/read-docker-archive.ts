import { checkJsonBounds } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import {
  detectCompression,
  layerTypeFor,
  maxIndexValues,
  MediaType,
  parseImageConfig,
  type ContentDescriptor,
  type ImageManifest,
  type NamingDefaults,
  type Reference,
} from "@pouchcontainer/oci";
import { documentLimit, readDocument } from "../store/image-documents.ts";
import { writeManifest } from "../write-manifest.ts";
import { parseArchiveName, type ArchiveDeps, type ArchiveImage } from "./archive-images.ts";
import type { IngestedArchive, IngestedFile } from "./ingest-archive.ts";

interface ManifestItem {
  Config: string;
  RepoTags: string[];
  Layers: string[];
}

/** The images `manifest.json` names, as `docker save` writes it. Each gets an OCI manifest, which the format does not have. */
export async function readDockerArchive(deps: ArchiveDeps, archive: IngestedArchive): Promise<ArchiveImage[]> {
  const items = parseItems(archive.documents.get("manifest.json") ?? Buffer.from(""));
  const images: ArchiveImage[] = [];
  for (const item of items) images.push(await readItem(deps, archive, item));
  return images;
}

/** The names `manifest.json` gives to a config, for a layout whose `index.json` has none. */
export function referencesInManifest(archive: IngestedArchive, naming: NamingDefaults): Map<string, Reference[]> {
  const document = archive.documents.get("manifest.json");
  const items = document === undefined ? [] : parseItems(document);
  return new Map(items.map((item) => [archive.file(cleanPath(item.Config))?.digest ?? "", referencesOf(item, naming)]));
}

function referencesOf({ RepoTags }: ManifestItem, naming: NamingDefaults): Reference[] {
  return RepoTags.map((name) => parseArchiveName(name, naming));
}

async function readItem(deps: ArchiveDeps, archive: IngestedArchive, item: ManifestItem): Promise<ArchiveImage> {
  const configFile = require(archive, item.Config, "config");
  if (configFile.size > documentLimit)
    throw invalidArgument(`invalid archive: ${item.Config} has ${configFile.size} bytes, more than ${documentLimit}`);
  const config = parseImageConfig(await readDocument(deps, configFile.digest));
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== item.Layers.length) {
    throw invalidArgument(`invalid manifest, layers length mismatch: expected ${item.Layers.length}, got ${diffIds.length}`);
  }
  const layers = item.Layers.map((path, index) => layerOf(path, require(archive, path, "layer"), diffIds[index] ?? ""));
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest: configFile.digest, size: configFile.size },
    layers,
  };
  const { target, manifestDescriptor } = await writeManifest(deps, manifest);
  return { target, documents: { manifestDescriptor, manifest, config }, references: referencesOf(item, deps.naming) };
}

export function layerOf(path: string, file: IngestedFile, diffId: string): ContentDescriptor {
  const compression = detectCompression(file.head);
  const mediaType = layerTypeFor(compression);
  if (mediaType === undefined)
    throw invalidArgument(`invalid archive: layer ${path} is compressed with ${compression}, only gzip and zstd are supported`);
  if (compression === "none" && file.digest !== diffId)
    throw invalidArgument(`invalid diffID for layer ${path}: expected "${diffId}", got "${file.digest}"`);
  return { mediaType, digest: file.digest, size: file.size };
}

function require(archive: IngestedArchive, path: string, what: string): IngestedFile {
  const file = archive.file(cleanPath(path));
  if (file === undefined) throw invalidArgument(`invalid archive: ${what} "${path}", named in manifest.json, is missing`);
  return file;
}

function cleanPath(path: string): string {
  return path.replace(/^(\.\/)+/, "");
}

function parseItems(bytes: Buffer): ManifestItem[] {
  checkJsonBounds(bytes, {
    maxValues: maxIndexValues,
    refuse: (problem) => invalidArgument(`invalid archive: manifest.json ${problem}`),
  });
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw invalidArgument("invalid archive: manifest.json is not JSON", { cause });
  }
  if (!Array.isArray(document)) throw invalidArgument("invalid archive: manifest.json is not a list");
  return document.map((item: unknown) => {
    if (!isItem(item)) throw invalidArgument("invalid archive: manifest.json must list objects with Config and Layers");
    return { Config: item.Config, Layers: item.Layers, RepoTags: item.RepoTags ?? [] };
  });
}

function isItem(value: unknown): value is Omit<ManifestItem, "RepoTags"> & { RepoTags?: string[] | null } {
  if (typeof value !== "object" || value === null || !("Config" in value) || !("Layers" in value)) return false;
  const { Config, Layers } = value;
  const tags = "RepoTags" in value ? value.RepoTags : null;
  return typeof Config === "string" && isStrings(Layers) && (tags === null || tags === undefined || isStrings(tags));
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
