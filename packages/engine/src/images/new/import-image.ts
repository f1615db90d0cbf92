import { isOutage } from "@pouchcontainer/containerd";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EngineError, internal, invalidArgument, messageChain, unavailable } from "@pouchcontainer/errors";
import type { Platform, Reference } from "@pouchcontainer/oci";
import { plainTar } from "../archive/plain-tar.ts";
import type { LoadDeps } from "../archive/load-archive.ts";
import { applyChanges } from "../instructions/apply-changes.ts";
import type { HttpTransport } from "../../registry/http-transport.ts";
import type { ProgressSink } from "../../registry/progress.ts";
import { noTls } from "../../registry/registry-hosts.ts";
import type { StoredImage } from "../store/image-store.ts";
import { makeImage } from "./new-image.ts";

export interface ImportRequest {
  /** `-` for the body of the request, or an address. */
  source: string;
  name: Reference | undefined;
  platform: Platform;
  message: string;
  /** Instructions of a Dockerfile that say what its containers are to be. */
  changes: readonly string[];
}

/** Makes an image of one layer of a tar, compressed or not. */
export async function importImage(
  deps: LoadDeps,
  body: Readable,
  { source, name, platform, message, changes }: ImportRequest,
  signal: AbortSignal,
): Promise<StoredImage> {
  const config = applyChanges({}, changes);
  const { chunks, plain, isEmpty } = await plainTar(body);
  if (isEmpty) throw invalidArgument(`invalid archive: there is nothing in ${source === "-" ? "the request's body" : source}`);
  const layer = new PassThrough({ highWaterMark: 1 << 20 });
  const read = pipeline(chunks, plain, layer, { signal });
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

/** What an address leads to: without a scheme it is one of HTTP. */
export async function openAddress(
  transport: HttpTransport,
  source: string,
  progress: ProgressSink,
  signal: AbortSignal,
): Promise<Readable> {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(source) ? source : `http://${source}`;
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (address?.protocol !== "http:" && address?.protocol !== "https:")
    throw invalidArgument(`fromSrc: ${source} is neither "-" nor the address of an archive, as https://example.com/root.tar`);
  progress({ status: `Downloading from ${address.href}` });
  const answer = await transport.send({ method: "GET", url: address.href, headers: {}, tls: noTls, signal });
  if (answer.status === 200) return answer.body;
  answer.body.destroy();
  throw unavailable(`${address.href} answers with status ${answer.status}`);
}
