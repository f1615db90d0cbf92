/** Bytes of a stranger's words that are told and kept: more nobody reads. */
export const maxToldBytes = 8192;

/** The beginning of a text, of at most `maxBytes` of UTF-8, not cut within a sign. A string of its own, that holds nothing else in memory. */
export function firstBytes(text: string, maxBytes: number): string {
  // Every unit of a string is one byte to three of UTF-8.
  if (text.length * 3 <= maxBytes) return text;
  const head = Buffer.from(text.slice(0, maxBytes));
  if (head.length <= maxBytes && text.length <= maxBytes) return text;
  let end = Math.min(maxBytes, head.length);
  while (end > 0 && ((head[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return head.toString("utf8", 0, end);
}

/** A text of at most `maxBytes` of UTF-8, without what was too much, which is said. */
export function cutText(text: string, maxBytes = maxToldBytes): string {
  const first = firstBytes(text, maxBytes);
  return first === text ? text : `${first}… (${Buffer.byteLength(text) - Buffer.byteLength(first)} more bytes)`;
}
