import assert from "node:assert/strict";
import type { FakeRegistry, Interceptor, SeenRequest } from "./fake-registry.ts";

/** Requests that carry bytes of a blob. */
export function isUpload({ method, path }: SeenRequest): boolean {
  return (method === "PUT" || method === "PATCH") && path.includes("/blobs/uploads/");
}

/** For each of the next uploads, reads its body up to a byte, and does away with the connection; the registry keeps what it read. */
export function breaksAt(registry: FakeRegistry, ...bytes: number[]): Interceptor {
  return (request, response) => {
    const mostBytes = isUpload(request) ? bytes.shift() : undefined;
    if (mostBytes === undefined) return false;
    const upload = registry.uploads.open.get(request.path.slice(request.path.lastIndexOf("/") + 1));
    assert.ok(upload !== undefined);
    let left = mostBytes;
    const reset = (): void => void response.socket?.resetAndDestroy();
    request.body.on("data", (chunk: Buffer) => {
      upload.bytes = Buffer.concat([upload.bytes, chunk.subarray(0, left)]);
      left = Math.max(0, left - chunk.length);
      if (left === 0) reset();
    });
    if (left === 0) reset();
    return true;
  };
}
