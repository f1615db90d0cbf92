import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { extract } from "tar-stream";

/** A body as data that can be compared field by field: JSON, lines of JSON, frames, entries of a tar, or text. */
export async function readBody(contentType: string, bytes: Buffer, framed: boolean): Promise<unknown> {
  if (bytes.length === 0) return "";
  if (contentType.startsWith("application/json")) return readJson(bytes.toString());
  if (framed) return readFrames(bytes);
  if (contentType === "application/x-tar" || contentType === "application/octet-stream") return readTar(bytes);
  return bytes.toString();
}

function readJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body.split("\n").map((line) => jsonOr(line));
  }
}

function jsonOr(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

const streamNames = ["stdin", "stdout", "stderr", "system"];

/** `stdout: text` for each frame. What is no frame is shown as it came. */
function readFrames(bytes: Buffer): string[] {
  const frames: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const name = streamNames[bytes[at] ?? -1];
    if (name === undefined || at + 8 > bytes.length) return [...frames, `no frame: ${bytes.subarray(at).toString()}`];
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    frames.push(`${name}: ${bytes.subarray(at + 8, end).toString()}`);
    at = end;
  }
  return frames;
}

const messageKinds: Partial<Record<number, string>> = { 0x81: "text", 0x82: "binary", 0x88: "close" };

/** `binary: text` for each of a server's WebSocket frames, as short as those of a test are. */
export function readMessages(bytes: Buffer): string[] {
  const messages: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const [head = 0, length = 0] = bytes.subarray(at, at + 2);
    const data = bytes.subarray(at + 2, at + 2 + length);
    messages.push(`${messageKinds[head] ?? `frame ${head}`}: ${head === 0x88 ? data.toString("hex") : data.toString()}`);
    at += 2 + length;
  }
  return messages;
}

async function readTar(bytes: Buffer): Promise<unknown> {
  const entries: unknown[] = [];
  const reader = Readable.from([bytes]).pipe(extract());
  for await (const entry of reader) {
    const { name, type, mode, uid, gid, size, linkname, uname, gname, mtime } = entry.header;
    const content = (size ?? 0) < 4096 ? await text(entry) : (entry.resume(), "");
    entries.push({ name, type, mode, uid, gid, size, linkname, uname, gname, mtime: mtime?.toISOString(), content });
  }
  return entries;
}
