import { invalidArgument } from "@pouchcontainer/errors";
import { Readable } from "node:stream";

/** Largest update body the JSON helper reads, in bytes. */
const maxBodyBytes = 16 * 1024 * 1024;

/** Reads a whole stream as JSON. An empty one is `undefined`. Throws `invalidArgument` for anything that is not JSON. */
export async function readJson(body: Readable): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    // Bodies are byte streams; `jsonStream` and HTTP requests yield buffers, other streams may yield strings.
    const bytes = Buffer.from(chunk as string | Uint8Array);
    size += bytes.length;
    if (size > maxBodyBytes) throw invalidArgument(`the body is larger than ${maxBodyBytes} bytes`);
    chunks.push(bytes);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidArgument("the body is not JSON", { cause: error });
  }
}

/** A stream whose content is the JSON of `value`. */
export function jsonStream(value: unknown): Readable {
  return Readable.from([Buffer.from(JSON.stringify(value))]);
}

/** Reads the body as JSON, lets `change` alter it in place or return another value, and gives a stream of the result. */
export async function rewriteJson(body: Readable, change: (value: Record<string, unknown>) => unknown): Promise<Readable> {
  const value = (await readJson(body)) ?? {};
  if (typeof value !== "object" || Array.isArray(value) || value === null) throw invalidArgument("the body is not a JSON object");
  // Checked in the line above.
  const changed = await change(value as Record<string, unknown>);
  return jsonStream(changed ?? value);
}
