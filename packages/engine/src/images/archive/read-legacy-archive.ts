import { createHash } from "node:crypto";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { pipeline } from "node:stream/promises";
import { checkJsonBounds } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { detectCompression, digestOf, MediaType, parseImageConfig, type Platform } from "@pouchcontainer/oci";
import { parseArchiveName, type ArchiveDeps, type ArchiveImage } from "./archive-images.ts";
import type { IngestedArchive, IngestedFile } from "./ingest-archive.ts";
import { writeManifest } from "../write-manifest.ts";
import { layerOf } from "./read-docker-archive.ts";

/** One image of the format before 1.10: a layer with a config of its own, on top of its parent. */
interface LegacyStep {
  document: Record<string, unknown>;
  layerPath: string;
  layer: IngestedFile;
}

const depthLimit = 1024;
const stepLimitBytes = 1024 * 1024;

/** Archives with `repositories` and `<id>/json`, `<id>/layer.tar` alone. Configs, as they are known today, are made from the steps. */
export async function readLegacyArchive(
  deps: ArchiveDeps,
  archive: IngestedArchive,
  platform: Platform,
): Promise<ArchiveImage[]> {
  const names = parseRepositories(archive.documents.get("repositories") ?? Buffer.from(""));
  const images: ArchiveImage[] = [];
  for (const [id, tags] of names) {
    const references = tags.map((name) => parseArchiveName(name, deps.naming));
    images.push({ ...(await readImage(deps, await readSteps(deps, archive, id), platform)), references });
  }
  return images;
}

async function readSteps(deps: ArchiveDeps, archive: IngestedArchive, top: string): Promise<LegacyStep[]> {
  const steps: LegacyStep[] = [];
  for (let id: string | undefined = top; id !== undefined;) {
    if (!/^[0-9a-f]{64}$/.test(id) || steps.length >= depthLimit)
      throw invalidArgument("invalid archive: a legacy image has an invalid parent");
    const layerPath = `${id}/layer.tar`;
    const json = archive.file(`${id}/json`);
    const layer = archive.file(layerPath);
    if (json === undefined || layer === undefined)
      throw invalidArgument(`invalid archive: ${id}/json or ${layerPath} is missing`);
    if (json.size > stepLimitBytes)
      throw invalidArgument(`invalid archive: ${id}/json has ${json.size} bytes, more than ${stepLimitBytes}`);
    const document = parseObject(await deps.content.readAll(json.digest, { limitBytes: stepLimitBytes }), `${id}/json`);
    steps.unshift({ document, layerPath, layer });
    id = typeof document["parent"] === "string" && document["parent"] !== "" ? document["parent"] : undefined;
  }
  return steps;
}

async function readImage(deps: ArchiveDeps, steps: LegacyStep[], platform: Platform): Promise<Omit<ArchiveImage, "references">> {
  const diffIds: string[] = [];
  for (const { layer } of steps) diffIds.push(await diffIdOf(deps, layer));
  const { id: _id, parent: _parent, Size: _size, layer_id: _layer, parent_id: _parentId, ...top } = steps.at(-1)?.document ?? {};
  const history = steps.map(({ document }) => ({
    created: document["created"],
    created_by: commandOf(document["container_config"]),
    ...(typeof document["comment"] === "string" && document["comment"] !== "" && { comment: document["comment"] }),
  }));
  const document = {
    architecture: platform.architecture,
    os: platform.os,
    ...top,
    rootfs: { type: "layers", diff_ids: diffIds },
    history,
  };
  const bytes = Buffer.from(JSON.stringify(document));
  const config = parseImageConfig(bytes);
  const digest = digestOf(bytes);
  await deps.lease.holdContent(digest);
  await deps.content.writeBlob({ bytes, digest }, { leaseId: deps.lease.id, signal: deps.signal });
  const layers = steps.map(({ layerPath, layer }, index) => layerOf(layerPath, layer, diffIds[index] ?? ""));
  const manifest = {
    schemaVersion: 2 as const,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest, size: bytes.length },
    layers,
  };
  const { target, manifestDescriptor } = await writeManifest(deps, manifest);
  return { target, documents: { manifestDescriptor, manifest, config } };
}

/** Digest of the plain tar: the format does not say it. */
async function diffIdOf({ content }: ArchiveDeps, layer: IngestedFile): Promise<string> {
  const compression = detectCompression(layer.head);
  if (compression === "none") return layer.digest;
  const hash = createHash("sha256");
  const plain = compression === "zstd" ? createZstdDecompress() : createGunzip();
  await pipeline(content.read(layer.digest), plain, async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) hash.update(chunk);
  });
  return `sha256:${hash.digest("hex")}`;
}

function commandOf(containerConfig: unknown): string {
  if (typeof containerConfig !== "object" || containerConfig === null || !("Cmd" in containerConfig)) return "";
  return Array.isArray(containerConfig.Cmd) ? containerConfig.Cmd.join(" ") : "";
}

/** `{ "repository": { "tag": "id" } }`, turned round. */
function parseRepositories(bytes: Buffer): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const [repository, tags] of Object.entries(parseObject(bytes, "repositories"))) {
    for (const [tag, id] of typeof tags === "object" && tags !== null ? Object.entries(tags) : []) {
      if (typeof id !== "string") throw invalidArgument("invalid archive: repositories must map tags to ids");
      names.set(id, [...(names.get(id) ?? []), `${repository}:${tag}`]);
    }
  }
  if (names.size === 0) throw invalidArgument("invalid archive: repositories names no image");
  return names;
}

function parseObject(bytes: Uint8Array, name: string): Record<string, unknown> {
  checkJsonBounds(bytes, { refuse: (problem) => invalidArgument(`invalid archive: ${name} ${problem}`) });
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    // An object by the check beside it; its fields are checked where they are used.
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw invalidArgument(`invalid archive: ${name} is not JSON`, { cause });
  }
  throw invalidArgument(`invalid archive: ${name} is not a JSON object`);
}
