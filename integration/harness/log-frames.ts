/** A frame of Docker's streams: which one (1 stdout, 2 stderr), and what was written to it. */
export interface LogFrame {
  stream: number;
  data: Buffer;
}

/** The frames that are whole in what has come so far, however it was cut on its way. */
export function framesIn(bytes: Buffer): LogFrame[] {
  const frames: LogFrame[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    if (end > bytes.length) break;
    frames.push({ stream: bytes[at] ?? 0, data: bytes.subarray(at + 8, end) });
    at = end;
  }
  return frames;
}
