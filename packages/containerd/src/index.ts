export type * from "./types.ts";
export { connectContainerd } from "./connect.ts";
export type { ConnectOptions } from "./connect.ts";
export { isOutage } from "./grpc/status.ts";
export { runcOptions } from "./runc-options.ts";
export { decodeMetrics } from "./metrics.ts";
export { startContainerd } from "./supervisor/start-containerd.ts";
export type { StartContainerdOptions } from "./supervisor/start-containerd.ts";
export type { SupervisedContainerd, SupervisorLogger } from "./supervisor/supervised-containerd.ts";
