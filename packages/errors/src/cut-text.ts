/** Bytes of a stranger's words that are told and kept: more nobody reads. */
export const maxToldBytes = 8192;

/** A text of at most `maxBytes` of UTF-8, without what was too much, which is said. A string of its own, that holds nothing else in memory. */
export function cutText(text: string, maxBytes = maxToldBytes): string {
  // Every unit of a string is one byte to three of UTF-8.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  const head = Buffer.from(text.slice(0, maxBytes));
  let end = Math.min(maxBytes, head.length);
  // Not in the middle of a sign.
  while (end > 0 && ((head[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${head.toString("utf8", 0, end)}… (${bytes - end} more bytes)`;
}
