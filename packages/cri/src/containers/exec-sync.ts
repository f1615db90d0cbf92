import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { requireRunning } from "./find-container.ts";

/** Longer than a timer can count is as good as for ever. */
const longestMs = 2 ** 31 - 1;

/** Runs a command to its end; what takes longer than it may, or is waited for by nobody, is killed. Probes are run so. */
export function handleExecSync({ containers, exec }: ContainersDeps): Handler<typeof RuntimeService.method.execSync> {
  return async ({ containerId, cmd, timeout }, { signal }) => {
    const { id } = requireRunning(containers, containerId);
    const timeoutMs = timeout > 0n ? Math.min(Number(timeout) * 1000, longestMs) : undefined;
    return await exec.runSync(id, cmd, { signal, ...(timeoutMs !== undefined && { timeoutMs }) });
  };
}
