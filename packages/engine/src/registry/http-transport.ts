import http from "node:http";
import https from "node:https";
import { rootCertificates } from "node:tls";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
import type { RegistryTls } from "./registry-host.ts";
import { describeNetworkError, HttpError } from "./http-error.ts";

export interface HttpRequest {
  method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  /** Sent wherever a redirect leads. */
  headers: Record<string, string | string[]>;
  /** Sent to the origin of `url` and to no other: what proves who asks, and what an operator wants sent to it. */
  originHeaders?: Record<string, string | string[]>;
  /** Sent to the origin of `url` and to no other. */
  body?: string | Uint8Array | StreamedBody;
  /** The answer is a credential: no redirect leads out of TLS, unless nobody vouches for that either. Default false. */
  secret?: boolean;
  tls: RegistryTls;
  signal: AbortSignal;
}

/** A body that need not fit into memory. */
export interface StreamedBody {
  sizeBytes: number;
  /** From its beginning, for each time it is sent. */
  open(): Readable;
}

export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: IncomingMessage;
  /** Where the answer came from, after redirects. */
  url: string;
}

export interface HttpTransportOptions {
  /** For `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
  env: Record<string, string | undefined>;
  userAgent: string;
  /** Silence on a connection for that long is a fault. Default 60,000. */
  idleTimeoutMs?: number;
}

const redirectLimit = 10;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
/** Of the others what follows is a GET, as clients have always done it (RFC 9110, section 15.4). */
const keepsBody = new Set([307, 308]);

/** Kept to the origin they were meant for. */
const secretHeaders = new Set(["authorization", "cookie", "proxy-authorization"]);

/**
 * HTTP over kept-alive connections; follows redirects without taking secrets to another origin, in headers or in a body. Any fault
 * below HTTP is an `HttpError`.
 */
export class HttpTransport {
  readonly #options: HttpTransportOptions;
  readonly #agents = new Map<string, http.Agent>();

  constructor(options: HttpTransportOptions) {
    this.#options = options;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    let { url, method, body } = request;
    let headers: HttpRequest["headers"] = { ...request.originHeaders, ...request.headers };
    for (let hop = 0; hop <= redirectLimit; hop += 1) {
      const response = await this.#sendOnce({ ...request, url, headers, method, ...(body !== undefined && { body }) });
      const location = response.headers.location;
      if (!redirectStatuses.has(response.status) || location === undefined) return response;
      response.body.resume();
      const next = this.#redirectTarget(request, url, location);
      if (!keepsBody.has(response.status) && method !== "HEAD") {
        method = "GET";
        body = undefined;
      }
      if (next.origin !== new URL(url).origin) {
        headers = withoutSecrets(request.headers);
        if (body !== undefined && !entersTls(new URL(url), next))
          throw refusedRedirect(request, url, `to ${next.origin}: what it sends is for the origin that was asked, and no other`);
      }
      url = next.href;
    }
    throw new HttpError(request.method, request.url, `stopped after ${redirectLimit} redirects`, { transient: false });
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #redirectTarget(request: HttpRequest, from: string, location: string): URL {
    const target = URL.parse(location, from);
    if (target?.protocol !== "http:" && target?.protocol !== "https:")
      throw refusedRedirect(request, from, "to what is no HTTP URL");
    const leavesTls = target.protocol === "http:" && from.startsWith("https:") && !request.tls.skipVerify;
    if (request.secret === true && leavesTls)
      throw refusedRedirect(request, from, `to ${target.origin}, in the clear: a token is fetched over TLS only`);
    return target;
  }

  #sendOnce(request: HttpRequest): Promise<HttpResponse> {
    const secure = request.url.startsWith("https:");
    const idleTimeoutMs = this.#options.idleTimeoutMs ?? 60_000;
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(request.signal.aborted ? error : describeNetworkError(request.method, request.url, error));
      };
      const message = (secure ? https : http).request(request.url, {
        method: request.method,
        headers: { "user-agent": this.#options.userAgent, ...request.headers },
        agent: this.#agentFor(secure, request.tls),
        signal: request.signal,
      });
      message.setTimeout(idleTimeoutMs, () => message.destroy(Object.assign(new Error("i/o timeout"), { code: "ETIMEDOUT" })));
      message.once("error", fail);
      message.once("response", (body) => {
        // Errors after the headers belong to whoever reads the body.
        message.off("error", fail);
        message.on("error", (error) => body.destroy(error));
        // Who answers before all is sent does not want the rest.
        if (!message.writableFinished) body.once("end", () => message.writableFinished || message.destroy());
        resolve({ status: body.statusCode ?? 0, headers: body.headers, body, url: request.url });
      });
      sendBody(message, request.body, reject);
    });
  }

  #agentFor(secure: boolean, tls: RegistryTls): http.Agent {
    const key = secure ? JSON.stringify(tls) : "http";
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      const options = { keepAlive: true, proxyEnv: this.#options.env };
      agent = secure ? new https.Agent({ ...options, ...tlsOptions(tls) }) : new http.Agent(options);
      this.#agents.set(key, agent);
    }
    return agent;
  }
}

/** What fails of the connection is an error of the request, which is heard there; what fails of the body itself is no fault of the network. */
function sendBody(message: http.ClientRequest, body: HttpRequest["body"], fail: (error: Error) => void): void {
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
    message.end(body);
    return;
  }
  message.setHeader("content-length", body.sizeBytes);
  const source = body.open();
  source.once("error", fail);
  pipeline(source, message, () => undefined);
}

function tlsOptions(tls: RegistryTls): https.AgentOptions {
  return {
    rejectUnauthorized: !tls.skipVerify,
    ...(tls.authorities.length > 0 && { ca: [...rootCertificates, ...tls.authorities] }),
    ...(tls.clients.length > 0 && {
      cert: tls.clients.map((pair) => pair.certificate),
      key: tls.clients.map((pair) => pair.key),
    }),
  };
}

/** The same server, on its usual ports, and nobody can listen any more. */
function entersTls(from: URL, to: URL): boolean {
  return from.protocol === "http:" && to.protocol === "https:" && from.host === to.host;
}

function refusedRedirect({ method }: HttpRequest, from: string, to: string): HttpError {
  return new HttpError(method, from, `redirected ${to}`, { transient: false });
}

function withoutSecrets(headers: HttpRequest["headers"]): HttpRequest["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !secretHeaders.has(name.toLowerCase())));
}

/** Reads a body into memory; more than `limit` bytes is an error. */
export async function readBody(response: HttpResponse, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw new HttpError("GET", response.url, `the answer has more than ${limit} bytes`, { transient: false });
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof HttpError ? error : describeNetworkError("GET", response.url, error);
  }
  return Buffer.concat(chunks);
}
