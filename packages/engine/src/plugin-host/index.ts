export { AssistantSupervisor } from "./assistant-supervisor.ts";
export { allowedEnvironment, loadBuiltinPlugins, type BuiltinPlugin } from "./builtin-plugins.ts";
export type { PluginEvent, PluginObserver } from "./call-runner.ts";
export type {
  ChainContext,
  Endpoint,
  PluginChains,
  PluginTraces,
  PodSandboxConfig,
  PostPullImage,
  PreStartHook,
  Verifiers,
} from "./chains.ts";
export { BodyHistory } from "./body-history.ts";
export { isMadeOfFlag } from "./flag-plugins.ts";
export { isOfPlugin } from "./is-of-plugin.ts";
export { validatorName, validatorPlugin } from "./validator/validator-plugin.ts";
export { validatorRules } from "./validator/validator-rules.ts";
export { PluginHost, type PluginHostDeps } from "./plugin-host.ts";
export type { TraceEntry } from "./trace.ts";
export { pluginAdminRoutes } from "./admin-routes.ts";
export type { CanaryRecord } from "./canary/canaries.ts";
export { PluginJournal } from "./journal/plugin-journal.ts";
export { PluginLogs } from "./plugin-logs.ts";
export { privilegesText } from "./permissions/privileges.ts";
export { PluginManager, type PluginManagerDeps } from "./plugin-manager.ts";
export { StateFolders } from "./state-folders.ts";
export { StoredPlugins, type StoredPlugin } from "./stored-plugins.ts";
export type { PluginOrderRecord, PluginRecord } from "./plugin-record.ts";
export { OtlpSpans, otlpEndpointOf } from "./otlp-spans.ts";
export { metricsHandler, PluginMetrics } from "./plugin-metrics.ts";
export { PluginGroups } from "./confinement/plugin-groups.ts";
export { InstalledPlugin } from "./installed/installed-plugin.ts";
export { PluginArtifacts } from "./artifact/plugin-artifacts.ts";
export { parseSigningKey } from "./artifact/signing-key.ts";
export { SignaturePolicy, type SignatureSettings } from "./artifact/signature-policy.ts";
