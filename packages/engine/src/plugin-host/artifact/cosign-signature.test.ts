import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { digestOf } from "@pouchcontainer/oci";
import { cosign, signerOf, type SignedClaim } from "./cosign-signature.ts";
import { parseSigningKey } from "./signing-key.ts";
import { newSigner } from "../testing/signer.ts";

const manifest = digestOf("manifest");
const signer = newSigner("release.pub");
const other = newSigner("other.pub");

/** What is wrong with a claim about the manifest. */
function problemOf(claim: SignedClaim): string {
  const found = signerOf(claim, manifest, [signer.key]);
  return typeof found === "string" ? found : assert.fail(`it counts by ${found.name}`);
}

test("a signature counts by the key that made it", () => {
  assert.equal(signerOf(signer.claim(manifest), manifest, [other.key, signer.key]), signer.key);
});

test("a signature of another key, of another manifest, of altered bytes or of none does not count, and it is said why", () => {
  const good = signer.claim(manifest);
  assert.equal(problemOf(other.claim(manifest)), "it was made by another key than release.pub");
  assert.equal(problemOf(signer.claim(digestOf("another"))), `what release.pub signed is the manifest ${digestOf("another")}`);
  const altered = Buffer.concat([good.payload, Buffer.from(" ")]);
  assert.equal(problemOf({ ...good, payload: altered }), "it was made by another key than release.pub");
  assert.equal(problemOf({ ...good, signature: undefined }), `it has no annotation ${cosign.signatureAnnotation}`);
  assert.equal(problemOf({ ...good, signature: "no base64 at all!" }), "it was made by another key than release.pub");
});

test("what is signed has to be what cosign signs", () => {
  for (const payload of ["", "[]", "{}", '{"critical":{"type":"atomic container signature"}}', '{"critical":null}'])
    assert.match(
      problemOf(signer.sign(Buffer.from(payload))),
      /what release\.pub signed is not a "cosign container image signature"/,
    );
});

test("a key is a public one over P-256, and what it is instead is said", () => {
  const pem = (type: "ec" | "rsa", curve = "prime256v1") =>
    (type === "ec"
      ? generateKeyPairSync("ec", { namedCurve: curve })
      : generateKeyPairSync("rsa", { modulusLength: 2048 })
    ).publicKey.export({ type: "spki", format: "pem" });
  assert.equal(parseSigningKey(pem("ec"), "a.pub").name, "a.pub");
  assert.throws(() => parseSigningKey(pem("ec", "secp384r1"), "a.pub"), /a\.pub is a key of type ec secp384r1, it has to be/);
  assert.throws(() => parseSigningKey(pem("rsa"), "a.pub"), /a\.pub is a key of type rsa, it has to be/);
  assert.throws(() => parseSigningKey("nonsense", "a.pub"), /a\.pub is no key that can be read/);
  assert.throws(() => parseSigningKey(signer.privatePem, "a.key"), /a\.key is a private key/);
});
