/** DNS over TCP puts the length before every message (RFC 1035, 4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The messages of a stream, as they become whole. Ends at one that is announced as longer than `maximumBytes`. */
export async function* unframed(chunks: AsyncIterable<Buffer>, maximumBytes: number): AsyncGenerator<Buffer> {
  let received: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    while (received.length >= 2) {
      const length = received.readUInt16BE(0);
      if (length > maximumBytes) return;
      if (received.length < length + 2) break;
      yield received.subarray(2, length + 2);
      received = received.subarray(length + 2);
    }
  }
}
