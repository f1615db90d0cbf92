import { Diff } from "../gen/diff_pb.ts";
import type { DiffService } from "../types.ts";
import type { CallContext } from "./call-context.ts";
import { callOptions, deadlines } from "./call-context.ts";
import { descriptorOf, wireDescriptor } from "./conversions.ts";

/** Both calls move whole layers, so neither has a deadline unless the caller sets one. */
export function diffService({ channel }: CallContext): DiffService {
  const rpc = Diff.method;
  return {
    async apply(layer, mounts, options) {
      const { applied } = await channel.unary(
        rpc.apply,
        { diff: wireDescriptor(layer), mounts },
        callOptions(options, deadlines.none),
      );
      return descriptorOf(applied);
    },
    async diff(lower, upper, request, options) {
      const { diff } = await channel.unary(
        rpc.diff,
        { left: lower, right: upper, ...request },
        callOptions(options, deadlines.none),
      );
      return descriptorOf(diff);
    },
  };
}
