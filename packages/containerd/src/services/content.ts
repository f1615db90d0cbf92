import { randomUUID } from "node:crypto";
import { isKind, notFound } from "@pouchcontainer/errors";
import type { Info } from "../gen/content_pb.ts";
import { Content } from "../gen/content_pb.ts";
import { ContentTooBig } from "../content-too-big.ts";
import type { ContentInfo, ContentService } from "../types.ts";
import type { CallContext } from "./call-context.ts";
import { callOptions, deadlines } from "./call-context.ts";
import { openContentWriter } from "./content-writer.ts";
import { labelPaths, requiredDate, unlessGone } from "./conversions.ts";

export function contentService(context: CallContext): ContentService {
  const { channel } = context;
  const rpc = Content.method;
  const service: ContentService = {
    async info(digest, options) {
      const { info } = await channel.unary(rpc.info, { digest }, callOptions(options));
      return infoOf(info);
    },
    async list(filters = [], options) {
      const found: ContentInfo[] = [];
      for await (const { info } of channel.serverStream(rpc.list, { filters }, callOptions(options, deadlines.list)))
        found.push(...info.map(infoOf));
      return found;
    },
    async delete(digest, options) {
      await unlessGone(channel.unary(rpc.delete, { digest }, callOptions(options)));
    },
    async updateLabels(digest, labels, options) {
      const paths = labelPaths(labels);
      if (paths.length > 0)
        await channel.unary(rpc.update, { info: { digest, labels }, updateMask: { paths } }, callOptions(options));
    },
    async *read(digest, { offset = 0, size = 0 } = {}, options) {
      const request = { digest, offset: BigInt(offset), size: BigInt(size) };
      for await (const { data } of channel.serverStream(rpc.read, request, callOptions(options, deadlines.none))) {
        if (data.length > 0) yield data;
      }
    },
    async readAll(digest, { limitBytes }, options) {
      const { size } = await service.info(digest, options);
      if (size > limitBytes) throw new ContentTooBig(digest, size, limitBytes);
      const chunks = await Array.fromAsync(service.read(digest, {}, options));
      const [only] = chunks;
      return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
    },
    openWriter(ref, expected, options) {
      return openContentWriter({ context, service }, { ref, expected, call: options });
    },
    async writeBlob({ bytes, digest, labels }, options) {
      const writer = await openOrLabel({ digest, size: bytes.length, labels }, options);
      if (writer === undefined) return;
      try {
        await writer.write(bytes.subarray(writer.offset));
        await writer.commit({ size: bytes.length, digest, ...(labels === undefined ? {} : { labels }) });
      } catch (error) {
        await writer.abort();
        throw error;
      }
    },
    async abort(ref, options) {
      await unlessGone(channel.unary(rpc.abort, { ref }, callOptions(options)));
    },
  };

  /** Every write has a reference of its own: two that write the same blob at the same time do not lock each other out. */
  async function openOrLabel(
    blob: { digest: string; size: number; labels?: Record<string, string> | undefined },
    options: Parameters<ContentService["writeBlob"]>[1],
  ) {
    try {
      return await service.openWriter(`blob-${blob.digest}-${randomUUID()}`, blob, options);
    } catch (error) {
      if (!isKind(error, "alreadyExists")) throw error;
      await service.updateLabels(blob.digest, blob.labels ?? {}, options);
      return undefined;
    }
  }
  return service;
}

function infoOf(info: Info | undefined): ContentInfo {
  if (info === undefined) throw notFound("containerd answered without the content's record");
  return { digest: info.digest, size: Number(info.size), createdAt: requiredDate(info.createdAt), labels: info.labels };
}
