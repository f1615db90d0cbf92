import { TypeUrl, packJson, plainAny, unpackJson } from "../any.ts";
import type { Container } from "../gen/containers_pb.ts";
import { Containers } from "../gen/containers_pb.ts";
import type { ContainerRecord, ContainersService } from "../types.ts";
import type { CallContext } from "./call-context.ts";
import { callOptions, deadlines } from "./call-context.ts";
import { dateOf, labelPaths, unlessGone } from "./conversions.ts";

export function containersService({ channel }: CallContext): ContainersService {
  const rpc = Containers.method;
  return {
    async get(id, options) {
      const { container } = await channel.unary(rpc.get, { id }, callOptions(options));
      return recordOf(container);
    },
    async list(filters = [], options) {
      // One message each: their specs together are soon longer than a message may be.
      const found: ContainerRecord[] = [];
      for await (const { container } of channel.serverStream(rpc.listStream, { filters }, callOptions(options, deadlines.list)))
        found.push(recordOf(container));
      return found;
    },
    async create(record, options) {
      const { spec, ...rest } = record;
      await channel.unary(rpc.create, { container: { ...rest, spec: packJson(TypeUrl.spec, spec) } }, callOptions(options));
    },
    async update(id, change, options) {
      const labels = change.labels ?? {};
      const paths = [...labelPaths(labels), ...(change.spec === undefined ? [] : ["spec"])];
      if (paths.length === 0) return;
      const spec = change.spec === undefined ? {} : { spec: packJson(TypeUrl.spec, change.spec) };
      await channel.unary(rpc.update, { container: { id, labels, ...spec }, updateMask: { paths } }, callOptions(options));
    },
    async delete(id, options) {
      await unlessGone(channel.unary(rpc.delete, { id }, callOptions(options)));
    },
  };
}

function recordOf(container: Container | undefined): ContainerRecord {
  const createdAt = dateOf(container?.createdAt);
  const runtimeOptions = container?.runtime?.options;
  return {
    id: container?.id ?? "",
    labels: container?.labels ?? {},
    image: container?.image ?? "",
    runtime: {
      name: container?.runtime?.name ?? "",
      ...(runtimeOptions === undefined ? {} : { options: plainAny(runtimeOptions) }),
    },
    spec: container?.spec === undefined ? undefined : unpackJson(container.spec),
    snapshotter: container?.snapshotter ?? "",
    snapshotKey: container?.snapshotKey ?? "",
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}
