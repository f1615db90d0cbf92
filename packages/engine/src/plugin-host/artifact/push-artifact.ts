import { digestOf, MediaType, type Digest, type Reference } from "@pouchcontainer/oci";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { LayerProgress, type ProgressSink } from "../../registry/progress.ts";
import type { RegistryUploader } from "../../registry/registry-uploader.ts";
import type { Clock } from "../../registry/retry.ts";
import { countedSource, sourceOf } from "../../registry/blob-sources.ts";
import { newArtifact } from "./artifact-manifest.ts";
import type { PackedPackage } from "./pack-package.ts";

export interface PushRequest {
  /** With a tag. */
  reference: Reference & { tag: string };
  packageJson: Record<string, unknown>;
  packed: PackedPackage;
  progress: ProgressSink;
  signal: AbortSignal;
}

/** Puts a plugin into a registry: its package, its manifest section, and last the tag. */
export async function pushArtifact(
  { uploader, clock }: { uploader: RegistryUploader; clock: Clock },
  { reference, packageJson, packed, progress, signal }: PushRequest,
): Promise<Digest> {
  const { file, ...layer } = packed;
  const { config, manifest } = newArtifact(packageJson, layer);
  progress({ status: `The push refers to repository [${reference.domain}/${reference.path}]` });
  const lines = new LayerProgress({ digest: layer.digest, sink: progress, now: () => clock.now() });
  const open = (start: number): Readable => createReadStream(file, { start });
  const source = countedSource({ sizeBytes: layer.size, open }, (current) => lines.count("Pushing", current, layer.size));
  const { was } = await uploader.putBlob(layer.digest, source, signal);
  lines.state(was === "there" ? "Layer already exists" : "Pushed");
  await uploader.putBlob(config.digest, sourceOf(config.bytes), signal);
  await uploader.putManifest(reference.tag, MediaType.ociManifest, manifest, signal);
  const digest = digestOf(manifest);
  progress({ status: `${reference.tag}: digest: ${digest} size: ${manifest.length}` });
  progress({ aux: { Tag: reference.tag, Digest: digest, Size: manifest.length } });
  return digest;
}
