import { digestOf, MediaType, type Digest, type Reference } from "@pouchcontainer/oci";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { StreamedBody } from "../../registry/http-transport.ts";
import { LayerProgress, type ProgressSink } from "../../registry/progress.ts";
import type { RegistryUploader } from "../../registry/registry-uploader.ts";
import type { Clock } from "../../registry/retry.ts";
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
  const body = counted({ sizeBytes: layer.size, open: () => createReadStream(file) }, (current) =>
    lines.count("Pushing", current, layer.size),
  );
  const isNew = await uploader.putBlob(layer.digest, body, signal);
  lines.state(isNew ? "Pushed" : "Layer already exists");
  const inMemory = { sizeBytes: config.bytes.length, open: () => Readable.from([config.bytes]) };
  await uploader.putBlob(config.digest, inMemory, signal);
  await uploader.putManifest(reference.tag, MediaType.ociManifest, manifest, signal);
  const digest = digestOf(manifest);
  progress({ status: `${reference.tag}: digest: ${digest} size: ${manifest.length}` });
  progress({ aux: { Tag: reference.tag, Digest: digest, Size: manifest.length } });
  return digest;
}

function counted(body: StreamedBody, onBytes: (current: number) => void): StreamedBody {
  return { sizeBytes: body.sizeBytes, open: () => Readable.from(counting(body.open(), onBytes), { objectMode: false }) };
}

async function* counting(source: AsyncIterable<Uint8Array>, onBytes: (current: number) => void): AsyncGenerator<Uint8Array> {
  let current = 0;
  for await (const chunk of source) {
    current += chunk.length;
    onBytes(current);
    yield chunk;
  }
}
