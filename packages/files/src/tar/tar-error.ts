/** The archive is not what it says it is. Texts are Go's, which Docker's clients know. */
export class TarError extends Error {
  override readonly name = "TarError";
}

export const invalidHeader = (): TarError => new TarError("archive/tar: invalid tar header");

export const unexpectedEnd = (): TarError => new TarError("unexpected EOF");
