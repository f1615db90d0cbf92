import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import { createPublicKey, type KeyObject } from "node:crypto";

/** A key that signatures of plugins count by. */
export interface SigningKey {
  /** What it is called where it is spoken of: its file. */
  name: string;
  key: KeyObject;
}

/** Reads a public key of the kind that cosign makes: ECDSA over P-256, in PEM. */
export function parseSigningKey(pem: string, name: string): SigningKey {
  const wanted = "it has to be a public key of ECDSA over P-256 in PEM format, such as cosign.pub";
  // Node would take the public half of it, and a secret would lie where it is not needed.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw invalidArgument(`${name} is a private key, ${wanted}`);
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw invalidArgument(`${name} is no key that can be read (${messageChain(error)}), ${wanted}`, { cause: error });
  }
  const { asymmetricKeyType: type = "unknown", asymmetricKeyDetails: details } = key;
  const curve = details?.namedCurve;
  if (type !== "ec" || curve !== "prime256v1")
    throw invalidArgument(`${name} is a key of type ${[type, curve].filter(Boolean).join(" ")}, ${wanted}`);
  return { name, key };
}
