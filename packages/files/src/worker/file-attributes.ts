import type { Libc } from "@pouchcontainer/linux";
import { noAttributes } from "../tar/tar-entry.ts";
import { cString } from "./paths.ts";
import { codeOf } from "./job-failure.ts";

/** A file to ask: by its descriptor or, where it cannot be opened, by its path, links not followed. */
export type AttributeOwner = number | Buffer;

/** The kernel's own limit for a list and for a value. */
const maxBytes = 64 * 1024;

/** What belongs to the file wherever it is: capabilities, access lists, the user's own. Not labels of this host's policies. */
const travels = (name: string): boolean =>
  name === "security.capability" ||
  name === "system.posix_acl_access" ||
  name === "system.posix_acl_default" ||
  name.startsWith("user.");

/** Reads and sets extended attributes. */
export class FileAttributes {
  readonly #libc: Libc;
  readonly #names = Buffer.allocUnsafeSlow(maxBytes);
  readonly #value = Buffer.allocUnsafeSlow(maxBytes);

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Those that travel with a file. A file system without attributes has none. */
  read(owner: AttributeOwner): ReadonlyMap<string, Buffer> {
    const size = BigInt(maxBytes);
    const length =
      typeof owner === "number"
        ? this.#libc.attempt("flistxattr", owner, this.#names, size)
        : this.#libc.attempt("llistxattr", cString(owner), this.#names, size);
    if (length <= 0) return noAttributes;
    const attributes = new Map<string, Buffer>();
    for (const name of this.#names.toString("latin1", 0, length - 1).split("\0")) {
      if (!travels(name)) continue;
      const key = cString(Buffer.from(name, "latin1"));
      const got =
        typeof owner === "number"
          ? this.#libc.attempt("fgetxattr", owner, key, this.#value, size)
          : this.#libc.attempt("lgetxattr", cString(owner), key, this.#value, size);
      if (got >= 0) attributes.set(name, Buffer.from(this.#value.subarray(0, got)));
    }
    return attributes;
  }

  /** Sets those the file system takes; what it has no place for is left out, as Docker leaves it out. */
  write(owner: AttributeOwner, attributes: ReadonlyMap<string, Buffer>): void {
    for (const [name, value] of attributes) {
      const key = cString(Buffer.from(name, "latin1"));
      const size = BigInt(value.length);
      try {
        if (typeof owner === "number") this.#libc.call("fsetxattr", owner, key, value, size, 0);
        else this.#libc.call("lsetxattr", cString(owner), key, value, size, 0);
      } catch (error) {
        if (codeOf(error) !== "ENOTSUP" && codeOf(error) !== "EOPNOTSUPP" && codeOf(error) !== "EPERM") throw error;
      }
    }
  }
}
