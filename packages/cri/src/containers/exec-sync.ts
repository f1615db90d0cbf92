import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { requireRunning } from "./find-container.ts";

/** Runs a command to its end; what takes longer than it may, or is waited for by nobody, is killed. Probes are run so. */
export function handleExecSync({ containers, exec }: ContainersDeps): Handler<typeof RuntimeService.method.execSync> {
  return async ({ containerId, cmd, timeout }, { signal }) => {
    const { id } = requireRunning(containers, containerId);
    const timeoutMs = timeout > 0n ? Number(timeout) * 1000 : undefined;
    return await exec.runSync(id, cmd, { signal, ...(timeoutMs !== undefined && { timeoutMs }) });
  };
}
