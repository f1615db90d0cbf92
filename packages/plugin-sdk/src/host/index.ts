/** What the daemon and the build use of this package; plugin authors have no need of it. */
export { checkConfiguration, parseManifest, parsePermissions } from "../parse-manifest.ts";
export { pouchSectionSchema } from "../manifest-schema.ts";
export { permissionFlags, type PermissionFlag } from "../permissions.ts";
export { splitPoint } from "../points.ts";
export { collectRegistrations, type Registration } from "../registration.ts";
export { describeIssue, fieldName, type SchemaIssue } from "../schema-issue.ts";
export { compileBodyChecks, type BodyCheck, type BodyChecks } from "../body-checks.ts";
export { defaultHookTimeoutSeconds } from "../body-schemas.ts";
export type { Argument, CallSubject } from "../point-rules.ts";
export { bodyOfRequest } from "../point-body.ts";
export { defaultTimeoutMs, entryOf, subjectOf, valuesOf } from "../point-table.ts";
export { InProcessPlugin, type PluginSettings } from "../in-process-plugin.ts";
export { parsePluginSet, pluginSetOf, type PluginSet, type WantedPlugin } from "../plugin-set.ts";
export { defaultAnswerBounds, type AnswerBounds } from "../answer-bounds.ts";
export { cloneJson, copyAnswer } from "../json-copy.ts";
export { deepFreeze, difference, equalJson, isObject, type PatchOperation } from "../json-patch.ts";
export { pointerPart, pointerParts, valueAt } from "../json-pointer.ts";
export type { FieldChange, FieldWrite, Provenance } from "../provenance.ts";
export { isRefusal, pluginFailure } from "../plugin-failure.ts";
export type {
  InvokeContext,
  PluginInstance,
  PluginOrigin,
  PointAnswer,
  PointBody,
  PointOf,
  PointRequest,
} from "../plugin-instance.ts";
export { readThrown } from "../read-thrown.ts";
export { checkedAssistant } from "../assistant-process.ts";
export { answerScan, WireClient } from "../wire/http-client.ts";
export { proxyRequest } from "../wire/proxy-request.ts";
export { runPluginProcess } from "../wire/run-plugin-process.ts";
export {
  callHeader,
  implementsName,
  originalPath,
  paramsHeader,
  pointPath,
  routePath,
  splitRoutePath,
  wireEnvironment,
  type ActivateAnswer,
  type ActivateRequest,
  type BeforeAnswer,
  type RouteOperation,
  type WireCall,
} from "../wire/wire.ts";
export {
  readMark,
  sharedProcessArgument,
  sharedProcessPaths,
  type LetGoRequest,
  type TakeRequest,
} from "../wire/shared-process.ts";
export { createWireServer, listen, readRequest, sendJson } from "../wire/wire-server.ts";
