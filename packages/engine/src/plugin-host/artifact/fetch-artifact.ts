import { checkJsonBounds } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { formatReference, type ContentDescriptor, type Digest, type Reference } from "@pouchcontainer/oci";
import { isObject } from "@pouchcontainer/plugin-sdk/host";
import { LayerProgress, type ProgressSink } from "../../registry/progress.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import type { Clock } from "../../registry/retry.ts";
import { parsePluginArtifact, type PluginArtifact } from "./artifact-manifest.ts";
import { readBlob, saveBlob } from "./read-blob.ts";
import type { SignaturePolicy } from "./signature-policy.ts";
import type { ToldBeside } from "./told-beside.ts";

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
  /** Absent where other tools put nothing there. */
  told?: ToldBeside;
}

/** Fetches a plugin's package: what the reference stands for, who signed that, and then no other content than it names. */
export async function fetchArtifact(deps: FetchDeps, request: FetchRequest): Promise<FetchedPackage> {
  const { reference, progress, signal } = request;
  const found = await findArtifact(deps, request, ({ size }, shown) => {
    if (size > deps.mostBytes)
      throw invalidArgument(`${shown} has a package of ${size} bytes, ${deps.mostBytes} are the most that are fetched`);
  });
  const { artifact, digest, signature } = found;
  const config = await configOf(deps, found, signal);
  if (config !== undefined) request.named(config.name);
  progress({ status: `Pulling from ${reference.path}`, id: reference.digest ?? reference.tag ?? "latest" });
  progress({ status: `Digest: ${digest}` });
  if (signature !== undefined) progress({ status: `Signature: ${signature}` });
  const lines = new LayerProgress({ digest: artifact.package.digest, sink: progress, now: () => deps.clock.now() });
  const onBytes = (current: number): void => lines.count("Downloading", current, artifact.package.size);
  await saveBlob(deps, { descriptor: artifact.package, onBytes, signal }, request.file);
  lines.state("Download complete");
  return { digest, ...(signature !== undefined && { signature }), ...(config !== undefined && { told: config }) };
}

/** What is beside the package, of a plugin whose signature is as good as it has to be. */
export async function describeArtifact(
  deps: Omit<FetchDeps, "mostBytes">,
  request: Pick<FetchRequest, "reference" | "signal">,
): Promise<ToldBeside | undefined> {
  return configOf(deps, await findArtifact(deps, request, () => undefined), request.signal);
}

interface FoundArtifact {
  shown: string;
  artifact: PluginArtifact;
  digest: Digest;
  signature: string | undefined;
}

/** `check` is asked before anything else is fetched. */
async function findArtifact(
  deps: Omit<FetchDeps, "mostBytes">,
  { reference, signal }: Pick<FetchRequest, "reference" | "signal">,
  check: (layer: ContentDescriptor, shown: string) => void,
): Promise<FoundArtifact> {
  const shown = formatReference(reference);
  const manifest = await deps.client.getManifest(reference.digest ?? reference.tag ?? "latest", signal);
  const artifact = parsePluginArtifact(manifest, shown);
  check(artifact.package, shown);
  const signature = await deps.signatures.check(deps, manifest.digest, shown, signal);
  return { shown, artifact, digest: manifest.digest, signature };
}

async function configOf(
  deps: Omit<FetchDeps, "mostBytes">,
  { artifact, shown }: FoundArtifact,
  signal: AbortSignal,
): Promise<(ToldBeside & { name: string }) | undefined> {
  if (artifact.config === undefined) return undefined;
  const config = await readBlob(deps, artifact.config, configLimit, signal);
  checkJsonBounds(config, { refuse: (problem) => invalidArgument(`${shown} is not a plugin: its config ${problem}`) });
  let value: unknown;
  try {
    value = JSON.parse(config.toString("utf8"));
  } catch (cause) {
    throw invalidArgument(`${shown} is not a plugin: its config is no JSON`, { cause });
  }
  const { name, ...others } = isObject(value) ? value : {};
  if (typeof name !== "string") throw invalidArgument(`${shown} is not a plugin: its config names none`);
  return { name, ...others };
}
