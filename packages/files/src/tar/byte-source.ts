/** Bytes in their order, waited for: the helper has nothing else to do. */
export interface ByteSource {
  /** The next bytes: `count` of them, fewer only at the end. What is returned holds until the next call. */
  take(count: number): Buffer;
  /** At least one of the next bytes and at most `count`; none only at the end. Holds until the next call. */
  takeSome(count: number): Buffer;
}
