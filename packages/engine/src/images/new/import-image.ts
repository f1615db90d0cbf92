import { isOutage } from "@pouchcontainer/containerd";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EngineError, internal, invalidArgument, messageChain, notFound } from "@pouchcontainer/errors";
import type { ImageRunConfig, Platform, Reference } from "@pouchcontainer/oci";
import { plainTar } from "../archive/plain-tar.ts";
import type { LoadDeps } from "../archive/load-archive.ts";
import { HttpError } from "../../registry/http-error.ts";
import { readBody, type HttpResponse, type HttpTransport } from "../../registry/http-transport.ts";
import { noTls } from "../../registry/registry-hosts.ts";
import { shownUrl } from "../../registry/shown-url.ts";
import type { StoredImage } from "../store/image-store.ts";
import { makeImage } from "./new-image.ts";

export interface ImportRequest {
  archive: Readable;
  /** `-` for the body of the request, or an address, as it may be told. */
  source: string;
  name: Reference | undefined;
  platform: Platform;
  message: string;
  /** What its containers are to be. */
  config: ImageRunConfig;
  /** Hears how many bytes of the archive were read. */
  onBytes?: (count: number) => void;
}

/** Makes an image of one layer of a tar, compressed or not. */
export async function importImage(
  deps: LoadDeps,
  { archive, source, name, platform, message, config, onBytes = () => undefined }: ImportRequest,
  signal: AbortSignal,
): Promise<StoredImage> {
  const { chunks, plain, isEmpty } = await plainTar(archive);
  if (isEmpty) throw invalidArgument(`invalid archive: there is nothing in ${source === "-" ? "the request's body" : source}`);
  const layer = new PassThrough({ highWaterMark: 1 << 20 });
  const read = pipeline(counted(chunks, onBytes), plain, layer, { signal });
  // Its failure is the layer's, whose reader hears of it.
  read.catch(() => undefined);
  const comment = message === "" ? `Imported from ${source}` : message;
  try {
    return await makeImage(deps, { platform, layer, config, author: "", comment, createdBy: "" }, name, signal);
  } catch (error) {
    if (signal.aborted || isOutage(error)) throw error;
    if (error instanceof EngineError && !isUnpacked.test(error.message)) throw error;
    throw internal(`Error processing tar file(exit status 1): ${messageChain(error).replace(isUnpacked, "")}`, {
      cause: error,
    });
  } finally {
    layer.destroy();
  }
}

/** containerd's words in front of what is wrong with an archive: where it unpacked it is nobody's business. */
const isUnpacked = /^mount callback failed on \S+: /;

async function* counted(
  chunks: AsyncIterable<Buffer>,
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer, void, undefined> {
  let count = 0;
  for await (const chunk of chunks) {
    count += chunk.length;
    onBytes(count);
    yield chunk;
  }
}

/** An archive that is fetched. */
interface OpenedAddress {
  archive: Readable;
  /** Its length; 0 where the server does not say. */
  sizeBytes: number;
  /** The address as it may be told. */
  shown: string;
}

/** What an address leads to: without a scheme it is one of HTTP. */
export async function openAddress(transport: HttpTransport, source: string, signal: AbortSignal): Promise<OpenedAddress> {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(source) ? source : `http://${source}`;
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (address?.protocol !== "http:" && address?.protocol !== "https:")
    throw invalidArgument(
      `fromSrc: ${shownUrl(source)} is neither "-" nor the address of an archive, as https://example.com/root.tar`,
    );
  const shown = shownUrl(address.href);
  const answer = await transport
    .send({ method: "GET", url: address.href, headers: {}, tls: noTls, signal })
    .catch((error: unknown) => {
      throw error instanceof HttpError ? internal(error.message, { cause: error }) : error;
    });
  if (answer.status !== 200) throw await refusalOf(answer, shown);
  return { archive: answer.body, sizeBytes: Number(answer.headers["content-length"] ?? 0), shown };
}

/** How much is read of what a server says of its refusal, and how much of that is told. */
const refusalLimit = 64 * 1024;
const toldLimit = 1024;

async function refusalOf(answer: HttpResponse, shown: string): Promise<EngineError> {
  const body = await readBody(answer, refusalLimit).catch(() => Buffer.alloc(0));
  const said = body.toString().trim().slice(0, toldLimit);
  const status = `${answer.status} ${answer.body.statusMessage ?? ""}`.trimEnd();
  const message = `failed to GET ${shown} with status ${status}${said === "" ? "" : `: ${said}`}`;
  return answer.status === 404 ? notFound(message) : internal(message);
}
