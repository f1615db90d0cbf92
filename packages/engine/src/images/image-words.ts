import { invalidArgument } from "@pouchcontainer/errors";
import {
  familiarReference,
  InvalidPlatformError,
  InvalidReferenceError,
  isDigest,
  isTag,
  parsePlatform,
  parseReference,
  withDefaultTag,
  type NamingDefaults,
  type Platform,
  type Reference,
} from "@pouchcontainer/oci";

/** Names and platforms as requests have them. What is none is refused with `invalidArgument`, in Docker's words. */
export class ImageWords {
  readonly #naming: NamingDefaults;
  readonly #own: Platform;

  /** `own` is the machine's platform. */
  constructor({ naming, platform }: { naming: NamingDefaults; platform: Platform }) {
    this.#naming = naming;
    this.#own = platform;
  }

  reference(text: string): Reference {
    return orInvalid(InvalidReferenceError, () => parseReference(text, this.#naming));
  }

  /** The machine's own where none is named. */
  platform(text: string | undefined): Platform {
    if (text === undefined || text === "") return this.#own;
    return orInvalid(InvalidPlatformError, () => parsePlatform(text, this.#own));
  }

  /** `tag` may be a digest; what the name itself says is overruled by it. Without either it is all tags. */
  ofPull(name: string, tag: string | undefined): Reference {
    const reference = this.reference(name);
    if (!tag) return reference;
    const { domain, path } = reference;
    return isDigest(tag) ? { domain, path, digest: tag } : { domain, path, tag: checkedTag(tag) };
  }

  /** Without a tag, in the name or beside it, it is all tags. */
  ofPush(name: string, tag: string | undefined): Reference {
    const reference = this.reference(name);
    const { domain, path } = reference;
    if (reference.digest !== undefined) throw invalidArgument("cannot push a digest reference");
    return tag ? { domain, path, tag: checkedTag(tag) } : reference;
  }

  /** A name that an image is to get; `ofDigest` refuses one that says which image it is. */
  ofNewName(repository: string, tag: string | undefined, ofDigest: string): Reference {
    const reference = this.reference(repository);
    if (reference.digest !== undefined) throw invalidArgument(ofDigest);
    return withDefaultTag(tag ? { ...reference, tag: checkedTag(tag) } : reference);
  }

  /** As Docker shows it. */
  shown(reference: Reference): string {
    return familiarReference(reference, this.#naming);
  }
}

function checkedTag(tag: string): string {
  if (!isTag(tag)) throw invalidArgument("invalid tag format");
  return tag;
}

function orInvalid<T>(kind: typeof InvalidReferenceError | typeof InvalidPlatformError, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof kind) throw invalidArgument(error.message, { cause: error });
    throw error;
  }
}
