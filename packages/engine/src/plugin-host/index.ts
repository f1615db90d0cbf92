export { AssistantSupervisor } from "./assistant-supervisor.ts";
export { allowedEnvironment, loadBuiltinPlugins, type BuiltinPlugin } from "./builtin-plugins.ts";
export type { PluginEvent, PluginObserver } from "./call-runner.ts";
export type { ChainContext, Endpoint, PluginChains, PostPullImage, PreStartHook } from "./chains.ts";
export { PluginHost, type PluginHostDeps } from "./plugin-host.ts";
export type { TraceEntry } from "./trace.ts";
export { pluginAdminRoutes } from "./admin-routes.ts";
export { PluginLogs } from "./plugin-logs.ts";
export { PluginManager, type PluginManagerDeps, type PluginOrderRecord, type PluginRecord } from "./plugin-manager.ts";
