export { CriServer, messageLimitBytes, type CriServerDeps } from "./wire/cri-server.ts";
export type { Call, Handler, Handlers, ImageHandlers, RuntimeHandlers } from "./wire/handlers.ts";
export { apiVersions, serviceOf, type ApiVersion } from "./wire/services.ts";
export { imageCalls } from "./images/image-calls.ts";
export type { CriImages, ImageDeps, RegistryAuth } from "./images/image-deps.ts";
export { podCalls } from "./pods/pod-calls.ts";
export type { ContainersOfPods, CriPods, PodCallDeps } from "./pods/pod-call-deps.ts";
export { commandBackend, type CommandBackendDeps } from "./containers/command-backend.ts";
export { containerCalls } from "./containers/container-calls.ts";
export { containersOfPods } from "./containers/containers-of-pods.ts";
export { ContainerMeter } from "./containers/stats/container-meter.ts";
export type { ContainersDeps } from "./containers/containers-deps.ts";
export { runtimeCalls } from "./runtime/runtime-calls.ts";
export type { Readiness, RuntimeDeps, RuntimeHandlerInfo } from "./runtime/runtime-deps.ts";
export { StreamingServer, type StreamingOptions } from "./streaming/streaming-server.ts";
export type { TlsMaterial } from "./streaming/http-listener.ts";
export type {
  AttachRequest,
  CommandSession,
  ExecRequest,
  PortForwardRequest,
  PortRequest,
  StreamingBackend,
  TerminalSize,
} from "./streaming/backend.ts";
