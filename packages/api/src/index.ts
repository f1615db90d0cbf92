export * from "./schemas.ts";
export { checkJsonBounds, jsonBoundsInPieces } from "./bounded-json.ts";
export { maxJsonValues } from "@pouchcontainer/oci";
export {
  canaryFailureLimit,
  canaryMaxMs,
  canaryShare,
  canaryTrialSeconds,
  type CanaryOption,
  type FailureLimit,
} from "./canary-options.ts";
export { decodeBody, validate, type DecodeOptions } from "./decode.ts";
export { namedFields } from "./named-fields.ts";
export { apiVersions, endpoints, type EndpointId } from "./endpoints/catalogue.ts";
export { extensionEndpoints } from "./endpoints/extension-endpoints.ts";
export type { Endpoint, FilterMap, MediaType, Method } from "./endpoints/endpoint.ts";
export { engineApiDocument, namedSchemas, type ServedRoute } from "./endpoints/engine-api-document.ts";
export { isProtectedPath, routePathProblem, type Handler, type HandlerSpec, type PathParams } from "./handler-spec.ts";
export type { JsonSchema } from "./json-schema.ts";
export { parseStrictJson } from "./parse-strict-json.ts";
export { registryAuth, registryConfig } from "./registry-auth.ts";
export { sendError } from "./send-error.ts";
export { pathOf, problemText, type Problem } from "./problem.ts";
export { isSecretField, maskSecrets, secretsIn, withoutSecrets } from "./secrets.ts";
export { secretMask, withoutCredentials } from "./credentials.ts";
export type { Static, TSchema } from "typebox";
