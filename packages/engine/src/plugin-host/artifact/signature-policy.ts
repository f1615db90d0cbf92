import { failedPrecondition, forbidden } from "@pouchcontainer/errors";
import { parseManifest, type ContentDescriptor, type Digest } from "@pouchcontainer/oci";
import type { RegistryClient } from "../../registry/registry-client.ts";
import { RegistryError } from "../../registry/registry-error.ts";
import type { BlobCopyDeps } from "../../registry/copy-blob.ts";
import { cosign, signerOf } from "./cosign-signature.ts";
import { readBlob } from "./read-blob.ts";
import type { SigningKey } from "./signing-key.ts";

/** Signatures of one manifest that are looked at. */
const mostSignatures = 64;
/** Of a payload, which has a reference and a digest. */
const payloadLimit = 64 * 1024;

export interface SignatureSettings {
  keys: readonly SigningKey[];
  /** Nothing is installed that none of the keys has signed. */
  required: boolean;
}

/** What of plugins is taken in, by who has signed it. */
export class SignaturePolicy {
  readonly #settings: SignatureSettings;

  constructor(settings: SignatureSettings) {
    this.#settings = settings;
  }

  get required(): boolean {
    return this.#settings.required;
  }

  /** Throws where signatures are compulsory and a plugin comes by a way on which it has none. */
  checkUnsigned(what: string): void {
    if (!this.required) return;
    throw forbidden(
      `${what} is not signed, and this daemon installs signed plugins only (--require-plugin-signatures): push it to a registry, sign it there, and install it from there`,
    );
  }

  /**
   * Who signed a manifest, in words for people; undefined where no key is configured. Where signatures are compulsory, it throws what is
   * wrong with those there are.
   */
  async check(
    deps: BlobCopyDeps & { client: Pick<RegistryClient, "getManifest"> },
    manifest: Digest,
    shown: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { keys, required } = this.#settings;
    if (keys.length === 0) return undefined;
    const layers = await signaturesOf(deps.client, manifest, signal);
    const problems: string[] = [];
    for (const layer of layers.slice(0, mostSignatures)) {
      const payload = await readBlob(deps, layer, payloadLimit, signal);
      const signer = signerOf({ payload, signature: layer.annotations?.[cosign.signatureAnnotation] }, manifest, keys);
      if (typeof signer !== "string") return `signed by ${signer.name}`;
      problems.push(signer);
    }
    const problem =
      problems.length === 0
        ? `there is no signature of ${manifest} (tag ${cosign.tagOf(manifest)})`
        : `of its ${layers.length === 1 ? "signature" : "signatures"} none counts: ${[...new Set(problems)].join("; ")}`;
    if (required) throw failedPrecondition(`${shown} is not installed, since signatures are compulsory: ${problem}`);
    return `not signed: ${problem}`;
  }
}

async function signaturesOf(
  client: Pick<RegistryClient, "getManifest">,
  manifest: Digest,
  signal: AbortSignal,
): Promise<ContentDescriptor[]> {
  try {
    const { bytes } = await client.getManifest(cosign.tagOf(manifest), signal);
    return parseManifest(bytes).layers.filter(({ mediaType }) => mediaType === cosign.payloadType);
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return [];
    throw error;
  }
}
