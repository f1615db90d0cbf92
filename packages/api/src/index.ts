export * from "./schemas.ts";
export { decodeBody, validate, type DecodeOptions } from "./decode.ts";
export { apiVersions, endpoints, type EndpointId } from "./endpoints/catalogue.ts";
export type { Endpoint, FilterMap, MediaType, Method } from "./endpoints/endpoint.ts";
export { engineApiDocument, namedSchemas } from "./endpoints/engine-api-document.ts";
export type { Handler, HandlerSpec, PathParams } from "./handler-spec.ts";
export type { JsonSchema } from "./json-schema.ts";
export { problemText, type Problem } from "./problem.ts";
export type { Static, TSchema } from "typebox";
