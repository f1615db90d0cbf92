/** What the daemon and the build use of this package; plugin authors have no need of it. */
export { checkConfiguration, parseManifest } from "../parse-manifest.ts";
export { pouchSectionSchema } from "../manifest-schema.ts";
export { defaultTimeoutMs, splitPoint } from "../points.ts";
export { collectRegistrations, type Registration } from "../registration.ts";
export { describeIssue, fieldName, type SchemaIssue } from "../schema-issue.ts";
export {
  compileBodyChecks,
  endpointSchema,
  environmentSchema,
  preStartHooksSchema,
  type BodyCheck,
  type BodyChecks,
} from "../body-checks.ts";
export { InProcessPlugin, type PluginSettings } from "../in-process-plugin.ts";
export { cloneJson, deepFreeze, difference, equalJson, valueAt, type PatchOperation } from "../json-patch.ts";
export { isRefusal, pluginFailure } from "../plugin-failure.ts";
export type { InvokeContext, PluginInstance, PluginOrigin, PointAnswer, PointRequest, PointTypes } from "../plugin-instance.ts";
