export type { ApiPlugin } from "./api-plugin.ts";
export { pluginApiVersion } from "./api-version.ts";
export type { ContainerExit, ContainerPlugin, Endpoint, PreStartHook } from "./container-plugin.ts";
export type { CriPlugin } from "./cri-plugin.ts";
export type { AssistantHandle, AssistantProcess, DaemonCall, DaemonPlugin, Supervisor } from "./daemon-plugin.ts";
export { getEnv, setEnv, unsetEnv } from "./env-list.ts";
export type { ImagePlugin, ImageRequest, PulledImage, StoredImage } from "./image-plugin.ts";
export { jsonStream, readJson, rewriteJson } from "./json-stream.ts";
export type {
  ConflictPolicy,
  FailurePolicy,
  PluginFilters,
  PluginManifest,
  PointSettings,
  PouchSection,
  ResolvedPoint,
} from "./manifest.ts";
export type { NetworkPlugin } from "./network-plugin.ts";
export type { Awaitable, PluginCall, PluginLog, ValidateCall } from "./plugin-call.ts";
export type { PodSandboxConfig } from "./pod-sandbox-config.ts";
export { pointNames } from "./point-table.ts";
export type { PluginPermissions } from "./permissions.ts";
export { pluginKinds, type PluginKind, type PluginKinds, type PointName } from "./points.ts";
export { writesOf, type FieldChange, type FieldWrite, type Provenance } from "./provenance.ts";
export {
  registerApiPlugin,
  registerContainerPlugin,
  registerCriPlugin,
  registerDaemonPlugin,
  registerImagePlugin,
  registerNetworkPlugin,
  registerVolumePlugin,
} from "./register.ts";
export type { VolumePlugin } from "./volume-plugin.ts";
export { writeInRootfs } from "./write-in-rootfs.ts";
export { alreadyExists, conflict, forbidden, invalidArgument, notFound, unavailable } from "@pouchcontainer/errors";
export type {
  ContainerCreateConfig,
  ContainerInspect,
  ExecCreateConfig,
  HandlerSpec,
  NetworkCreateConfig,
  Volume,
  VolumeCreateConfig,
} from "@pouchcontainer/api";
