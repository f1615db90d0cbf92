import { Type, type TObject, type TProperties, type TSchema } from "typebox";

/** HTTP methods the API uses. */
export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE";

/** Bodies that are no JSON. */
export type MediaType =
  "application/x-tar" | "application/json-seq" | "application/vnd.docker.raw-stream" | "application/octet-stream" | "text/plain";

/** One operation of the API as data: the server, the OpenAPI document, the CLI and the docs read the same line. */
export interface Endpoint {
  method: Method;
  /** Without version prefix. `{name}` is one segment, `{name...}` may hold slashes. */
  path: string;
  /** One line for the docs. */
  summary: string;
  /** The resource it belongs to. */
  tag: string;
  query?: TObject;
  /** A JSON body's schema, or what a body that is no JSON holds. */
  body?: TSchema | MediaType;
  /** The body may be missing. */
  bodyOptional?: boolean;
  /** Status of success. */
  status: number;
  /** The answer's schema, or what an answer that is no JSON holds. Absent: no body. */
  answer?: TSchema | MediaType;
  /** Statuses of failure worth naming; 400 and 500 are always possible. */
  errors?: readonly number[];
  /** Lowest API version that has it, where that is above the lowest one served. */
  since?: string;
  /** The client may ask with `Upgrade` that the connection become a stream of its own. */
  takesOver?: true;
  /** The server knows the route and answers that it is not there (501), or that there is no swarm (503). */
  unsupported?: true;
}

/** Docker's `filters`: key to values. */
export type FilterMap = Record<string, string[]>;

/** The `filters` query: `{"key":["value"]}` or the older `{"key":{"value":true}}`, as JSON. */
export const filters = () =>
  Type.Optional(Type.Unsafe<FilterMap>({ type: "string", "x-filters": true, description: '{"key":["value"]} as JSON' }));

/** A path of a file, as bytes: names of files need not be text. */
export const filePath = () => Type.Unsafe<Buffer>({ type: "string", "x-bytes": true });

/** A query whose fields may all be left out, unless they are written otherwise. */
export const query = <T extends TProperties>(fields: T) => Type.Object(fields);
