import type { Descriptor } from "@pouchcontainer/containerd";
import type { ImageServices } from "../containerd-services.ts";
import { invalidArgument } from "@pouchcontainer/errors";
import { InvalidReferenceError, parseTaggedReference, type NamingDefaults, type Reference } from "@pouchcontainer/oci";
import type { Lease } from "../lease.ts";
import type { ImageDocuments } from "../store/image-documents.ts";

/** An image an archive has, its documents in the content store. */
export interface ArchiveImage {
  documents: ImageDocuments;
  target: Descriptor;
  /** The names the archive gives it. */
  references: Reference[];
}

export interface ArchiveDeps {
  content: ImageServices["content"];
  lease: Lease;
  signal: AbortSignal;
  naming: NamingDefaults;
}

/**
 * A name as an archive has it. A digest names one image only: an archive gives it to no other, as dockerd has it, and of a tag
 * with a digest the tag remains. `digest` is that of the image's manifest, where the archive has one. Throws `invalidArgument`.
 */
export function parseArchiveName(name: string, naming: NamingDefaults, digest?: string): Reference {
  try {
    const { digest: named, ...plain } = parseTaggedReference(name, naming);
    if (named === undefined || plain.tag !== undefined) return plain;
    if (named !== digest) throw invalidArgument(`invalid archive: invalid tag "${name}": the image has another digest, or none`);
    return { ...plain, digest: named };
  } catch (error) {
    if (error instanceof InvalidReferenceError)
      throw invalidArgument(`invalid archive: image name "${name}": ${error.message}`, { cause: error });
    throw error;
  }
}
