import { CgroupDriver, type RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { RuntimeDeps } from "./runtime-deps.ts";

/** The cgroup driver, which the kubelet takes over instead of its own flag. */
export function runtimeConfig({ cgroupDriver }: RuntimeDeps): Handler<typeof RuntimeService.method.runtimeConfig> {
  return async () => ({
    linux: { cgroupDriver: cgroupDriver === "systemd" ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS },
  });
}
