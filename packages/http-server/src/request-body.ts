import { checkJsonBounds } from "@pouchcontainer/api";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import type { IncomingMessage } from "node:http";

/** Bodies that are JSON are kept in memory; none that a client sends comes near this. */
const jsonBodyLimitBytes = 8 * 1024 * 1024;

/** The JSON body of a request; undefined when there is none. A body that is not declared as JSON is refused. */
export async function readJson(request: IncomingMessage, limitBytes = jsonBodyLimitBytes): Promise<unknown> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > limitBytes) throw tooLarge(limitBytes);
  const bytes = await readBytes(request, limitBytes);
  checkJsonBounds(bytes);
  const text = bytes.toString("utf8");
  if (text.trim() === "") return undefined;
  checkContentType(request.headers["content-type"]);
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch (cause) {
    throw invalidArgument(`invalid JSON: ${cause instanceof Error ? cause.message : "cannot be read"}`, { cause });
  }
}

async function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Without an encoding set, a request yields Buffers. One that is refused is read to its end by the server.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limitBytes) throw tooLarge(limitBytes);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw new EngineError("cancelled", "the client went away before its request was whole", { cause });
  }
  const [only] = chunks;
  return chunks.length === 1 && only ? only : Buffer.concat(chunks);
}

/** A body has to say that it is JSON: a form's, which is what many tools send unasked, is refused and not guessed at. */
function checkContentType(type = ""): void {
  const [name = ""] = type.split(";");
  if (name.trim().toLowerCase() === "application/json") return;
  throw invalidArgument(
    name.trim() === ""
      ? `malformed Content-Type header (${type}): mime: no media type`
      : `unsupported Content-Type header (${type}): must be 'application/json'`,
  );
}

function tooLarge(limitBytes: number): EngineError {
  return invalidArgument(`the request body is larger than ${limitBytes / 1024 / 1024} MiB`);
}
