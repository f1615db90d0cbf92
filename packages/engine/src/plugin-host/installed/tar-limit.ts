/** Bytes between two of tar's checkpoints that are one apart. */
const recordBytes = 10_240;

/** Is in what tar says when it was ended by `tarLimit`. */
export const tooLarge = "the-archive-is-too-large";

/** Arguments that end tar once it has gone through so many bytes, counted in pieces of 10 KiB. */
export function tarLimit(bytes: number): string[] {
  return [`--checkpoint=${Math.ceil(bytes / recordBytes)}`, `--checkpoint-action=exec=echo ${tooLarge} >&2; kill $PPID`];
}
