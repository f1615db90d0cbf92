import { fromBinary } from "@bufbuild/protobuf";
import { isKind } from "@pouchcontainer/errors";
import { messageNameOf, plainAny } from "../any.ts";
import { Events } from "../gen/events_pb.ts";
import { TaskExitSchema, TaskOOMSchema, TaskPausedSchema, TaskResumedSchema, TaskStartSchema } from "../gen/task_events_pb.ts";
import type { Envelope } from "../gen/types_pb.ts";
import type { CallOptions, ContainerdEvent } from "../types.ts";
import type { CallContext } from "./call-context.ts";
import { callOptions, deadlines } from "./call-context.ts";
import { requiredDate } from "./conversions.ts";

/** Subscribes at once; the events of this client's namespace, until the signal aborts, the connection goes or the loop is left. */
export function subscribe(
  { channel, namespace }: CallContext,
  filters: string[],
  options?: CallOptions,
): AsyncIterable<ContainerdEvent> {
  // The subscription is not bound to the namespace of the call. Filters are alternatives, so each gets the condition.
  const inNamespace = `namespace==${JSON.stringify(namespace)}`;
  const bound = filters.length === 0 ? [inNamespace] : filters.map((filter) => `${filter},${inNamespace}`);
  const envelopes = channel.serverStream(Events.method.subscribe, { filters: bound }, callOptions(options, deadlines.none));
  return decoded(envelopes, options?.signal);
}

async function* decoded(
  envelopes: AsyncIterableIterator<Envelope>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ContainerdEvent> {
  try {
    for await (const envelope of envelopes) yield eventOf(envelope);
  } catch (error) {
    if (signal?.aborted === true || isKind(error, "unavailable")) return;
    throw error;
  }
}

function eventOf({ timestamp, namespace, topic, event }: Envelope): ContainerdEvent {
  const common = { timestamp: requiredDate(timestamp), namespace, topic };
  if (event === undefined) return { ...common, type: "other", event: undefined };
  switch (messageNameOf(event)) {
    case TaskExitSchema.typeName: {
      const { containerId, id, pid, exitStatus, exitedAt } = fromBinary(TaskExitSchema, event.value);
      // The init process goes by the container's id.
      const execId = id === containerId ? "" : id;
      return { ...common, type: "taskExit", containerId, execId, pid, exitStatus, exitedAt: requiredDate(exitedAt) };
    }
    case TaskOOMSchema.typeName:
      return { ...common, type: "taskOom", containerId: fromBinary(TaskOOMSchema, event.value).containerId };
    case TaskPausedSchema.typeName:
      return { ...common, type: "taskPaused", containerId: fromBinary(TaskPausedSchema, event.value).containerId };
    case TaskResumedSchema.typeName:
      return { ...common, type: "taskResumed", containerId: fromBinary(TaskResumedSchema, event.value).containerId };
    case TaskStartSchema.typeName: {
      const { containerId, pid } = fromBinary(TaskStartSchema, event.value);
      return { ...common, type: "taskStart", containerId, pid };
    }
    default:
      return { ...common, type: "other", event: plainAny(event) };
  }
}
