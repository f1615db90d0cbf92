import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, MediaType } from "@pouchcontainer/oci";
import { ArtifactType, newArtifact, parsePluginArtifact } from "./artifact-manifest.ts";

const packageJson = { name: "tool", version: "1.2.3", private: true, pouch: { api: "^1.0.0", points: ["container.preCreate"] } };
const layer = { digest: digestOf("package"), size: 7 };
const parsed = (document: object, mediaType: string = MediaType.ociManifest) => {
  const bytes = Buffer.from(JSON.stringify(document));
  return parsePluginArtifact({ mediaType, bytes, digest: digestOf(bytes) }, "host/tool:1");
};
// What was made here is an object.
const made = JSON.parse(newArtifact(packageJson, layer).manifest.toString()) as Record<string, object[]>;

test("what is made of a package is read again, and is the same each time", () => {
  const artifact = parsed(made);
  assert.equal(artifact.package.digest, layer.digest);
  assert.equal(artifact.package.size, 7);
  const { config, manifest } = newArtifact(packageJson, layer);
  assert.equal(artifact.config?.digest, config.digest);
  assert.deepEqual(JSON.parse(config.bytes.toString()), { name: "tool", version: "1.2.3", pouch: packageJson.pouch });
  assert.deepEqual(manifest, newArtifact(structuredClone(packageJson), layer).manifest);
});

test("an artifact of other tools may have an empty config, and a compressed package", () => {
  const config = { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf("{}"), size: 2 };
  const layers = [{ mediaType: ArtifactType.packageGzip, ...layer }];
  assert.equal(parsed({ ...made, config, layers }).config, undefined);
});

const strange: [what: string, document: object, mediaType: string | undefined, message: RegExp][] = [
  ["an index", { schemaVersion: 2, manifests: [] }, MediaType.ociIndex, /is an index of several manifests/],
  ["a document of another type", made, "text/plain", /is of media type text\/plain/],
  [
    "an image",
    { ...made, artifactType: undefined, config: { mediaType: MediaType.ociConfig, ...layer } },
    undefined,
    /host\/tool:1 is not a plugin: it is an artifact of type application\/vnd\.oci\.image\.config\.v1\+json, a plugin of/,
  ],
  ["two layers", { ...made, layers: [...(made["layers"] ?? []), ...(made["layers"] ?? [])] }, undefined, /has 2 layers/],
  ["none", { ...made, layers: [] }, undefined, /has 0 layers/],
  ["a layer of an image", { ...made, layers: [{ mediaType: MediaType.ociLayer, ...layer }] }, undefined, /has a layer of type/],
];
for (const [what, document, mediaType, message] of strange)
  test(`${what} is no plugin, and the error says what there is`, () => {
    assert.throws(() => parsed(document, mediaType), message);
  });
