import type { Endpoint, Handler, PathParams, Static, TSchema } from "@pouchcontainer/api";
import { decodeBody } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { clientGone } from "@pouchcontainer/owners";
import type { IncomingMessage, ServerResponse } from "node:http";
import { apiVersionOf } from "./api-version.ts";
import type { Lifetime } from "./lifetime.ts";
import { decodeQuery } from "./query.ts";
import { readJson } from "./request-body.ts";
import { sendEmpty, sendJson } from "./respond.ts";

/** What an endpoint's query is once decoded. */
export type QueryOf<E extends Endpoint> = E extends { query: infer Q extends TSchema } ? Static<Q> : Record<string, never>;

/** What an endpoint's JSON body is once decoded. */
export type BodyOf<E extends Endpoint> = E extends { body: infer B }
  ? B extends string
    ? undefined
    : B extends TSchema
      ? Static<B>
      : never
  : undefined;

/** One request on its way through a handler. */
export interface Call<E extends Endpoint> {
  endpoint: E;
  request: IncomingMessage;
  response: ServerResponse;
  params: PathParams;
  query: QueryOf<E>;
  /** Version of the API to answer in. */
  version: string;
  /** Aborted when the client goes away before the answer is whole, or the server's time to finish is over. */
  signal(): AbortSignal;
  /** The same, and also when the server begins to close: for streams without an end. */
  endlessSignal(): AbortSignal;
}

export interface AnswerOptions {
  /** Puts the JSON body of an older version into today's form, before it is decoded. Default: it has that form. */
  upgrade?: (body: unknown, version: string) => unknown;
}

/** Makes handlers of functions: decodes what comes in, encodes what comes back, once for all endpoints. */
export class Calls {
  readonly #lifetime: Lifetime;

  constructor(lifetime: Lifetime) {
    this.#lifetime = lifetime;
  }

  /** A handler whose function takes the decoded call and returns the answer; undefined is an empty one. */
  answer<E extends Endpoint>(
    endpoint: E,
    run: (call: Call<E>, body: BodyOf<E>) => Promise<unknown>,
    options: AnswerOptions = {},
  ): Handler {
    return this.takeOver(endpoint, async (call) => {
      const body = await readBody(call, options);
      const value = await run(call, body);
      if (value === undefined) sendEmpty(call.response, endpoint.status);
      else sendJson(call.response, endpoint.status, value);
    });
  }

  /** A handler whose function reads the body and writes the answer by itself. */
  takeOver<E extends Endpoint>(endpoint: E, run: (call: Call<E>) => Promise<void>): Handler {
    return async (request, response, params) => run(this.#call(endpoint, request, response, params));
  }

  #call<E extends Endpoint>(endpoint: E, request: IncomingMessage, response: ServerResponse, params: PathParams): Call<E> {
    const lifetime = this.#lifetime;
    let gone: AbortSignal | undefined;
    return {
      endpoint,
      request,
      response,
      params,
      // `decodeQuery` reads along this very schema.
      query: decodeQuery(endpoint.query, request.url ?? "") as QueryOf<E>,
      version: apiVersionOf(request),
      signal: () => AbortSignal.any([(gone ??= clientGone(response)), lifetime.expired]),
      endlessSignal: () => AbortSignal.any([(gone ??= clientGone(response)), lifetime.expired, lifetime.closing]),
    };
  }
}

/** The decoded JSON body of a call; undefined where the endpoint has none. */
export async function readBody<E extends Endpoint>(call: Call<E>, { upgrade }: AnswerOptions = {}): Promise<BodyOf<E>> {
  const { body: schema, bodyOptional } = call.endpoint;
  // Both casts: BodyOf says undefined for exactly these two, and Static of the schema for the rest.
  if (schema === undefined || typeof schema === "string") return undefined as BodyOf<E>;
  const json = await readJson(call.request);
  if (json === undefined && !bodyOptional) throw invalidArgument("invalid JSON: got EOF while reading request body");
  const body = json ?? ("type" in schema && schema.type === "array" ? [] : {});
  return decodeBody(schema, upgrade ? upgrade(body, call.version) : body) as BodyOf<E>;
}
