import { invalidArgument } from "@pouchcontainer/errors";
import { formatReference, type Digest, type Reference } from "@pouchcontainer/oci";
import { isObject } from "@pouchcontainer/plugin-sdk/host";
import { LayerProgress, type ProgressSink } from "../../registry/progress.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import type { Clock } from "../../registry/retry.ts";
import { parsePluginArtifact } from "./artifact-manifest.ts";
import { readBlob, saveBlob } from "./read-blob.ts";
import type { SignaturePolicy } from "./signature-policy.ts";

/** Of the manifest section; more than any has. */
const configLimit = 1024 * 1024;

export interface FetchDeps {
  client: RegistryClient;
  clock: Clock;
  signatures: SignaturePolicy;
  /** Most bytes of a package. */
  mostBytes: number;
}

export interface FetchRequest {
  reference: Reference;
  /** A file that is not there yet: the package is put there. */
  file: string;
  progress: ProgressSink;
  /** Called once, before the first line of progress, with the plugin's name where the registry knows it; it may throw. */
  named: (name: string) => void;
  signal: AbortSignal;
}

export interface FetchedPackage {
  /** Of the manifest that the reference stood for. */
  digest: Digest;
  /** Who signed it, in words. */
  signature?: string;
}

/** Fetches a plugin's package: what the reference stands for, who signed that, and then no other content than it names. */
export async function fetchArtifact(deps: FetchDeps, request: FetchRequest): Promise<FetchedPackage> {
  const { reference, progress, signal } = request;
  const shown = formatReference(reference);
  const manifest = await deps.client.getManifest(reference.digest ?? reference.tag ?? "latest", signal);
  const artifact = parsePluginArtifact(manifest, shown);
  const { size } = artifact.package;
  if (size > deps.mostBytes)
    throw invalidArgument(`${shown} has a package of ${size} bytes, ${deps.mostBytes} are the most that are fetched`);
  const signature = await deps.signatures.check(deps, manifest.digest, shown, signal);
  if (artifact.config !== undefined) request.named(nameIn(await readBlob(deps, artifact.config, configLimit, signal), shown));
  progress({ status: `Pulling from ${reference.path}`, id: reference.digest ?? reference.tag ?? "latest" });
  progress({ status: `Digest: ${manifest.digest}` });
  if (signature !== undefined) progress({ status: `Signature: ${signature}` });
  const lines = new LayerProgress({ digest: artifact.package.digest, sink: progress, now: () => deps.clock.now() });
  const onBytes = (current: number): void => lines.count("Downloading", current, size);
  await saveBlob(deps, { descriptor: artifact.package, onBytes, signal }, request.file);
  lines.state("Download complete");
  return { digest: manifest.digest, ...(signature !== undefined && { signature }) };
}

function nameIn(config: Buffer, shown: string): string {
  let value: unknown;
  try {
    value = JSON.parse(config.toString("utf8"));
  } catch (cause) {
    throw invalidArgument(`${shown} is not a plugin: its config is no JSON`, { cause });
  }
  const name = isObject(value) ? value["name"] : undefined;
  if (typeof name !== "string") throw invalidArgument(`${shown} is not a plugin: its config names none`);
  return name;
}
