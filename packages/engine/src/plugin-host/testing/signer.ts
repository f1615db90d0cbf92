import { generateKeyPairSync, sign } from "node:crypto";
import { cosign, type SignedClaim } from "../artifact/cosign-signature.ts";
import { parseSigningKey, type SigningKey } from "../artifact/signing-key.ts";

export interface Signer {
  key: SigningKey;
  publicPem: string;
  privatePem: string;
  /** Signs any bytes. */
  sign(payload: Buffer): SignedClaim & { signature: string };
  /** What `cosign sign` says of a manifest. */
  claim(manifest: string): SignedClaim & { signature: string };
}

/** Somebody with a key pair of his own, who signs as cosign does. */
export function newSigner(name: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const publicPem = publicKey.export({ type: "spki", format: "pem" });
  const signed = (payload: Buffer) => ({ payload, signature: sign("sha256", payload, privateKey).toString("base64") });
  return {
    key: parseSigningKey(publicPem, name),
    publicPem,
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }),
    sign: signed,
    claim: (manifest) => {
      const image = { "docker-manifest-digest": manifest };
      const critical = { identity: { "docker-reference": "host/tool" }, image, type: cosign.claimType };
      return signed(Buffer.from(JSON.stringify({ critical, optional: null })));
    },
  };
}
