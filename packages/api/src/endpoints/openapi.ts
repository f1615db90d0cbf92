import type { JsonSchema } from "../json-schema.ts";
import { apiVersions } from "./catalogue.ts";
import type { Endpoint } from "./endpoint.ts";

/** What an OpenAPI document is made of besides the endpoints. */
export interface OpenApiInput {
  /** By operation id. */
  endpoints: Readonly<Record<string, Endpoint>>;
  /** Schemas that get a name of their own in the document. */
  schemas: Readonly<Record<string, object>>;
  /** Version of the daemon. */
  version: string;
}

/** The API as an OpenAPI 3.1 document (a plain object, ready for JSON). */
export function openApiDocument(input: OpenApiInput): Record<string, unknown> {
  const references = new References(input.schemas);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [id, endpoint] of Object.entries(input.endpoints)) {
    const path = endpoint.path.replaceAll("...}", "}");
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(id, endpoint, references) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "PouchContainer Engine API",
      version: apiVersions.maximum,
      description: `Docker's Engine API, versions ${apiVersions.minimum} to ${apiVersions.maximum}, served by pouchd ${input.version}.`,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: `/v${apiVersions.maximum}` }],
    paths,
    components: { schemas: references.components() },
  };
}

function operation(id: string, endpoint: Endpoint, references: References): Record<string, unknown> {
  const described = endpoint.since === undefined ? {} : { description: `Since API version ${endpoint.since}.` };
  return {
    operationId: id,
    summary: endpoint.summary,
    ...described,
    tags: [endpoint.tag],
    parameters: [...pathParameters(endpoint), ...queryParameters(endpoint, references)],
    ...(endpoint.body === undefined
      ? {}
      : { requestBody: { required: endpoint.bodyOptional !== true, ...content(endpoint.body, references) } }),
    responses: responses(endpoint, references),
  };
}

function pathParameters(endpoint: Endpoint) {
  return [...endpoint.path.matchAll(/\{(\w+)(?:\.\.\.)?\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(endpoint: Endpoint, references: References) {
  // A TypeBox object is a JSON Schema at run time.
  const schema = endpoint.query as JsonSchema | undefined;
  return Object.entries(schema?.properties ?? {}).map(([name, field]) => {
    const { description, ...rest } = field;
    return {
      name,
      in: "query",
      required: schema?.required?.includes(name) ?? false,
      ...(description === undefined ? {} : { description }),
      schema: references.emit(rest),
    };
  });
}

function responses(endpoint: Endpoint, references: References): Record<string, unknown> {
  const failure = { description: "Failure", ...content({ $ref: "#/components/schemas/ErrorResponse" }, references) };
  const answers: Record<string, unknown> = {};
  if (!endpoint.unsupported) {
    answers[endpoint.status] = {
      description: "Success",
      ...(endpoint.answer === undefined ? {} : content(endpoint.answer, references)),
    };
  }
  for (const status of endpoint.errors ?? []) answers[status] = status === 304 ? { description: "Nothing to do" } : failure;
  return { ...answers, default: failure };
}

function content(body: object | string, references: References) {
  if (typeof body === "string") return { content: { [body]: { schema: { type: "string", format: "binary" } } } };
  return { content: { "application/json": { schema: references.emit(body) } } };
}

/** Puts `$ref` where a named schema is used. Copies of a schema made by `optional` keep its `properties`, which identify it. */
class References {
  readonly #names = new Map<unknown, string>();
  readonly #schemas: Readonly<Record<string, object>>;

  constructor(schemas: Readonly<Record<string, object>>) {
    this.#schemas = schemas;
    for (const [name, schema] of Object.entries(schemas)) {
      if ("properties" in schema && !this.#names.has(schema.properties)) this.#names.set(schema.properties, name);
    }
  }

  emit(schema: object): unknown {
    const name = "properties" in schema ? this.#names.get(schema.properties) : undefined;
    return name === undefined ? this.#copy(schema) : { $ref: `#/components/schemas/${name}` };
  }

  components(): Record<string, unknown> {
    return Object.fromEntries(Object.entries(this.#schemas).map(([name, schema]) => [name, this.#copy(schema)]));
  }

  #copy(value: object): unknown {
    const kept = Object.entries(value).filter(([key]) => !key.startsWith("x-"));
    return Object.fromEntries(kept.map(([key, item]) => [key, this.#inside(item)]));
  }

  #inside(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item: unknown) => this.#inside(item));
    return typeof value === "object" && value !== null ? this.emit(value) : value;
  }
}
