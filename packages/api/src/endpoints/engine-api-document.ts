import * as schemas from "../schemas.ts";
import { endpoints } from "./catalogue.ts";
import { openApiDocument } from "./openapi.ts";

/** Every named schema of the API, by name: for OpenAPI and for the schemas given to plugin authors. */
export function namedSchemas(): Record<string, object> {
  return { ...schemas };
}

/** The OpenAPI 3.1 document of this API. */
export function engineApiDocument(version: string): Record<string, unknown> {
  return openApiDocument({ endpoints, schemas: namedSchemas(), version });
}
