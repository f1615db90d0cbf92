import { Leases } from "../gen/leases_pb.ts";
import type { LeasesService } from "../types.ts";
import type { CallContext } from "./call-context.ts";
import { callOptions, deadlines } from "./call-context.ts";
import { requiredDate, unlessGone } from "./conversions.ts";

export function leasesService({ channel }: CallContext): LeasesService {
  const rpc = Leases.method;
  return {
    async create(id, labels = {}, options) {
      await channel.unary(rpc.create, { id, labels }, callOptions(options));
    },
    async delete(id, { sync = false } = {}, options) {
      await unlessGone(channel.unary(rpc.delete, { id, sync }, callOptions(options, sync ? deadlines.collection : undefined)));
    },
    async list(filters = [], options) {
      const { leases } = await channel.unary(rpc.list, { filters }, callOptions(options));
      return leases.map(({ id, labels, createdAt }) => ({ id, labels, createdAt: requiredDate(createdAt) }));
    },
    async addResource(leaseId, resource, options) {
      await channel.unary(rpc.addResource, { id: leaseId, resource }, callOptions(options));
    },
    async deleteResource(leaseId, resource, options) {
      await unlessGone(channel.unary(rpc.deleteResource, { id: leaseId, resource }, callOptions(options)));
    },
    async listResources(leaseId, options) {
      const { resources } = await channel.unary(rpc.listResources, { id: leaseId }, callOptions(options));
      return resources.map(({ id, type }) => ({ id, type }));
    },
  };
}
