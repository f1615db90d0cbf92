import { checkJsonBounds } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { digestAlgorithm, digestHex, type Digest } from "@pouchcontainer/oci";
import { isObject } from "@pouchcontainer/plugin-sdk/host";
import { verify } from "node:crypto";
import type { SigningKey } from "./signing-key.ts";

/** Facts of cosign's signatures (its specification, `SIGNATURE_SPEC.md`). */
export const cosign = {
  payloadType: "application/vnd.dev.cosign.simplesigning.v1+json",
  signatureAnnotation: "dev.cosignproject.cosign/signature",
  claimType: "cosign container image signature",
  /** Under which tag of the same repository a manifest's signatures are. */
  tagOf: (manifest: Digest): string => `${digestAlgorithm(manifest)}-${digestHex(manifest)}.sig`,
} as const;

/** What somebody has signed, and how. */
export interface SignedClaim {
  payload: Uint8Array;
  /** Base64, as the annotation has it. */
  signature: string | undefined;
}

/** The key that signed that manifest; or what is wrong with the claim. Of what no key has signed nothing is read. */
export function signerOf(
  { payload, signature }: SignedClaim,
  manifest: Digest,
  keys: readonly SigningKey[],
): SigningKey | string {
  if (signature === undefined) return `it has no annotation ${cosign.signatureAnnotation}`;
  const bytes = Buffer.from(signature, "base64");
  const signer = keys.find(({ key }) => verify("sha256", payload, { key, dsaEncoding: "der" }, bytes));
  if (signer === undefined) return `it was made by another key than ${keys.map(({ name }) => name).join(", ")}`;
  const claim = claimIn(payload);
  if (claim === undefined) return `what ${signer.name} signed is not a "${cosign.claimType}"`;
  return claim === manifest ? signer : `what ${signer.name} signed is the manifest ${claim}`;
}

/** Which manifest the payload speaks of. */
function claimIn(payload: Uint8Array): string | undefined {
  let value: unknown;
  try {
    checkJsonBounds(Buffer.from(payload), { refuse: (problem) => invalidArgument(`the payload ${problem}`) });
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
  const critical = isObject(value) ? value["critical"] : undefined;
  if (!isObject(critical) || critical["type"] !== cosign.claimType) return undefined;
  const image = critical["image"];
  const digest = isObject(image) ? image["docker-manifest-digest"] : undefined;
  return typeof digest === "string" ? digest : undefined;
}
