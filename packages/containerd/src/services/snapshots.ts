import type { Info } from "../gen/snapshots_pb.ts";
import { Kind, Snapshots } from "../gen/snapshots_pb.ts";
import type { SnapshotInfo, SnapshotKind, SnapshotsService } from "../types.ts";
import type { CallContext } from "./call-context.ts";
import { callOptions, deadlines } from "./call-context.ts";
import { labelPaths, mountOf, requiredDate, unlessGone } from "./conversions.ts";

export function snapshotsService({ channel }: CallContext, snapshotter: string): SnapshotsService {
  const rpc = Snapshots.method;
  return {
    async prepare(key, parent, labels = {}, options) {
      const { mounts } = await channel.unary(rpc.prepare, { snapshotter, key, parent, labels }, callOptions(options));
      return mounts.map(mountOf);
    },
    async view(key, parent, labels = {}, options) {
      const { mounts } = await channel.unary(rpc.view, { snapshotter, key, parent, labels }, callOptions(options));
      return mounts.map(mountOf);
    },
    async mounts(key, options) {
      const { mounts } = await channel.unary(rpc.mounts, { snapshotter, key }, callOptions(options));
      return mounts.map(mountOf);
    },
    async commit(name, key, labels = {}, options) {
      await channel.unary(rpc.commit, { snapshotter, name, key, labels }, callOptions(options, deadlines.files));
    },
    async remove(key, options) {
      await unlessGone(channel.unary(rpc.remove, { snapshotter, key }, callOptions(options, deadlines.files)));
    },
    async stat(key, options) {
      const { info } = await channel.unary(rpc.stat, { snapshotter, key }, callOptions(options));
      return infoOf(info);
    },
    async updateLabels(key, labels, options) {
      const change = { snapshotter, info: { name: key, labels }, updateMask: { paths: labelPaths(labels) } };
      if (change.updateMask.paths.length > 0) await channel.unary(rpc.update, change, callOptions(options));
    },
    async list(filters = [], options) {
      const found: SnapshotInfo[] = [];
      for await (const { info } of channel.serverStream(rpc.list, { snapshotter, filters }, callOptions(options, deadlines.list)))
        found.push(...info.map(infoOf));
      return found;
    },
    async usage(key, options) {
      const { size, inodes } = await channel.unary(rpc.usage, { snapshotter, key }, callOptions(options, deadlines.files));
      return { sizeBytes: Number(size), inodes: Number(inodes) };
    },
  };
}

const kindNames: Record<number, SnapshotKind> = { [Kind.VIEW]: "view", [Kind.ACTIVE]: "active", [Kind.COMMITTED]: "committed" };

function infoOf(info: Info | undefined): SnapshotInfo {
  return {
    name: info?.name ?? "",
    parent: info?.parent ?? "",
    kind: kindNames[info?.kind ?? Kind.UNKNOWN] ?? "unknown",
    createdAt: requiredDate(info?.createdAt),
    labels: info?.labels ?? {},
  };
}
