import { internal, invalidArgument } from "@pouchcontainer/errors";
import { createWriteStream } from "node:fs";
import { utimes } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { HttpTransport } from "../registry/http-transport.ts";
import { noTls } from "../registry/registry-hosts.ts";
import type { BuildDeps } from "./build-deps.ts";

export interface Fetched {
  body: Readable;
  modified: Date;
  sizeBytes: number | undefined;
  close(): void;
}

/** What an address leads to; a status of an error is one. */
export async function fetchContent(web: BuildDeps["web"], url: string, signal: AbortSignal): Promise<Fetched> {
  if (!URL.canParse(url)) throw invalidArgument(`${url} is no address`);
  const transport = new HttpTransport(web);
  try {
    const { status, headers, body } = await transport.send({ method: "GET", url, headers: {}, tls: noTls, signal });
    if (status >= 400) {
      body.destroy();
      throw internal(`failed to GET ${url} with status ${status} ${body.statusMessage ?? ""}: `.replace(/: $/, ""));
    }
    const modified = new Date(headers["last-modified"] ?? 0);
    const length = Number(headers["content-length"]);
    return {
      body,
      modified: Number.isNaN(modified.getTime()) ? new Date(0) : modified,
      sizeBytes: Number.isSafeInteger(length) ? length : undefined,
      close: () => transport.close(),
    };
  } catch (error) {
    transport.close();
    throw error;
  }
}

/** Puts it into a file of the build's own, for its owner alone and with the time it was changed; returns how many bytes it has. */
export async function fetchInto(web: BuildDeps["web"], url: string, file: string, signal: AbortSignal): Promise<number> {
  const fetched = await fetchContent(web, url, signal).catch((error: unknown) => {
    throw signal.aborted ? error : internal(`ADD failed: ${wordsOf(error)}`, { cause: error });
  });
  try {
    const { body, modified } = fetched;
    const content = createWriteStream(file, { flags: "wx", mode: 0o600 });
    await pipeline(body, content, { signal });
    await utimes(file, modified, modified);
    return content.bytesWritten;
  } finally {
    fetched.close();
  }
}

/** What a file is called that comes from an address. */
export function nameFromAddress(url: string): string {
  const name = new URL(url).pathname.split("/").at(-1) ?? "";
  if (name === "") throw invalidArgument(`cannot determine filename from url: ${url}`);
  return decodeURIComponent(name);
}

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
