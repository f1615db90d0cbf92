import type * as api from "@pouchcontainer/api";
import { EngineError } from "@pouchcontainer/errors";
import type { TraceEntry } from "../plugin-host/trace.ts";

/** Names, in quotes, of the plugins whose calls changed one of these fields (JSON pointers). A patch that the trace has cut does not tell all. */
function pluginsThatChanged(calls: readonly TraceEntry[], fields: readonly string[]): string[] {
  const applied = calls.filter(({ shadow }) => shadow !== true);
  return applied.filter(({ patch = [] }) => patch.some(({ path }) => fields.includes(path))).map(({ plugin }) => `"${plugin}"`);
}

/** Names the plugins that changed a top-level field in the failure that comes of it: what is there, and what is taken, is known late. */
export async function tellingWhoChanged<T>(calls: readonly TraceEntry[], field: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const names = pluginsThatChanged(calls, [`/${field}`]);
    if (names.length === 0) throw cause;
    const { kind, message, details } = EngineError.from(cause);
    throw new EngineError(kind, `${message} (${field} is what plugin ${names.join(", ")} made it)`, { cause, details });
  }
}

/** `docker run --rm` waits for a removal that does not come by itself: its user is to know why. */
export function keptAfterItsEnd(
  requested: api.ContainerCreateConfig,
  request: api.ContainerCreateConfig,
  calls: readonly TraceEntry[],
): string[] {
  if (requested.HostConfig?.AutoRemove !== true || request.HostConfig?.AutoRemove === true) return [];
  const names = pluginsThatChanged(calls, ["/HostConfig", "/HostConfig/AutoRemove"]);
  const who = names.length > 0 ? `plugin ${names.join(", ")}` : "a plugin";
  return [
    `${who} took HostConfig.AutoRemove away: the container is not removed when it ends, and who waits for that waits until somebody removes it`,
  ];
}
