import { invalidArgument } from "@pouchcontainer/errors";
import {
  digestOf,
  isIndexType,
  isManifestType,
  MediaType,
  parseManifest,
  type ContentDescriptor,
  type Digest,
} from "@pouchcontainer/oci";
import type { FetchedDocument } from "../../registry/registry-client.ts";

/** What a plugin is in a registry: an image manifest (OCI image spec 1.1, "Guidelines for Artifact Usage") with these types. */
export const ArtifactType = {
  plugin: "application/vnd.pouchcontainer.plugin.v1",
  /** Name, version, the `pouch` section and the `policy`, if there is one, of the package.json, as JSON. */
  config: "application/vnd.pouchcontainer.plugin.config.v1+json",
  /** The package, as it is made here. */
  package: "application/vnd.pouchcontainer.plugin.package.v1.tar",
  /** The same as other tools may pack it. */
  packageGzip: "application/vnd.pouchcontainer.plugin.package.v1.tar+gzip",
} as const;

export interface PluginArtifact {
  /** Absent where other tools left it empty. */
  config?: ContentDescriptor;
  package: ContentDescriptor;
}

/** The parts of a plugin in a registry. Throws `invalidArgument` that says what is there instead. */
export function parsePluginArtifact({ mediaType, bytes }: FetchedDocument, shown: string): PluginArtifact {
  const refuse = (what: string): never => {
    throw invalidArgument(`${shown} is not a plugin: it ${what}`);
  };
  if (isIndexType(mediaType)) refuse("is an index of several manifests, a plugin is a single one");
  if (!isManifestType(mediaType)) refuse(`is of media type ${mediaType || "(none)"}, a plugin of ${MediaType.ociManifest}`);
  const { artifactType, config, layers } = parseManifest(bytes);
  const type = artifactType ?? config.mediaType;
  if (type !== ArtifactType.plugin && type !== ArtifactType.config)
    refuse(`is an artifact of type ${type || "(none)"}, a plugin of ${ArtifactType.plugin}`);
  const [layer, ...more] = layers;
  if (layer === undefined || more.length > 0) return refuse(`has ${layers.length} layers, a plugin has one, its package`);
  if (layer.mediaType !== ArtifactType.package && layer.mediaType !== ArtifactType.packageGzip)
    refuse(`has a layer of type ${layer.mediaType || "(none)"}, a plugin's is ${ArtifactType.package} or the same with +gzip`);
  return { package: layer, ...(config.mediaType === ArtifactType.config && { config }) };
}

export interface NewArtifact {
  config: { bytes: Buffer; digest: Digest };
  manifest: Buffer;
}

/** The documents of a package. The same package and manifest section give the same bytes. */
export function newArtifact(packageJson: Record<string, unknown>, layer: { digest: Digest; size: number }): NewArtifact {
  const { name, version, pouch, policy } = packageJson;
  const config = Buffer.from(JSON.stringify({ name, version, pouch, policy }));
  const digest = digestOf(config);
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: ArtifactType.plugin,
    config: { mediaType: ArtifactType.config, digest, size: config.length },
    layers: [{ mediaType: ArtifactType.package, ...layer }],
    annotations: { "org.opencontainers.image.title": name, "org.opencontainers.image.version": version },
  };
  return { config: { bytes: config, digest }, manifest: Buffer.from(JSON.stringify(manifest)) };
}
