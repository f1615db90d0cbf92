import { isKind } from "@pouchcontainer/errors";
import type { Image } from "../gen/images_pb.ts";
import { Images } from "../gen/images_pb.ts";
import type { ImageRecord, ImagesService } from "../types.ts";
import type { CallContext } from "./call-context.ts";
import { callOptions, deadlines } from "./call-context.ts";
import { dateOf, descriptorOf, unlessGone, wireDescriptor } from "./conversions.ts";

export function imagesService({ channel }: CallContext): ImagesService {
  const rpc = Images.method;
  const service: ImagesService = {
    async get(name, options) {
      const { image } = await channel.unary(rpc.get, { name }, callOptions(options));
      return recordOf(image);
    },
    async list(filters = [], options) {
      const { images } = await channel.unary(rpc.list, { filters }, callOptions(options));
      return images.map(recordOf);
    },
    async create(record, options) {
      await channel.unary(rpc.create, { image: wireImage(record) }, callOptions(options));
    },
    async put(record, options) {
      try {
        await service.create(record, options);
      } catch (error) {
        if (!isKind(error, "alreadyExists")) throw error;
        // Without a mask target and labels are replaced as a whole.
        await channel.unary(rpc.update, { image: wireImage(record) }, callOptions(options));
      }
    },
    async delete(name, { sync = false } = {}, options) {
      await unlessGone(channel.unary(rpc.delete, { name, sync }, callOptions(options, sync ? deadlines.collection : undefined)));
    },
  };
  return service;
}

function wireImage({ name, labels, target }: ImageRecord) {
  return { name, labels, target: wireDescriptor(target) };
}

function recordOf(image: Image | undefined): ImageRecord {
  const createdAt = dateOf(image?.createdAt);
  const updatedAt = dateOf(image?.updatedAt);
  return {
    name: image?.name ?? "",
    target: descriptorOf(image?.target),
    labels: image?.labels ?? {},
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
  };
}
