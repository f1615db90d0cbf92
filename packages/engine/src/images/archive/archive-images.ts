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

/** A name as an archive has it. Throws `invalidArgument`. */
export function parseArchiveName(name: string, naming: NamingDefaults): Reference {
  try {
    return parseTaggedReference(name, naming);
  } catch (error) {
    if (error instanceof InvalidReferenceError)
      throw invalidArgument(`invalid archive: image name "${name}": ${error.message}`, { cause: error });
    throw error;
  }
}
