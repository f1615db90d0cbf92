import { CliError, DaemonError, messageOf } from "../cli-error.ts";
import type { HostAddress } from "./host-address.ts";
import { ByteReader, readBody, readHead, readRest } from "./http-message.ts";
import type { ResponseHead } from "./http-message.ts";
import { dial } from "./dial.ts";
import type { TlsFiles, Wire } from "./wire.ts";

/** The newest API this client was written for; an older daemon is spoken to in its own version. */
export const clientApiVersion = "1.51";

export interface EngineClientOptions {
  address: HostAddress;
  tls?: TlsFiles;
  /** Skips the negotiation. */
  pinnedVersion?: string;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined | readonly string[]>>;

export interface RequestOptions {
  query?: Query;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is, in chunks. */
  body?: AsyncIterable<Uint8Array>;
  contentType?: string;
  headers?: Readonly<Record<string, string>>;
  /** Aborting closes the connection. */
  signal?: AbortSignal;
}

/** An answer below 400. The body is read once, by one of the methods; each closes the connection. */
export interface EngineResponse {
  head: ResponseHead;
  chunks(): AsyncGenerator<Uint8Array>;
  text(): Promise<string>;
  /** The caller names the type the API's contract gives this answer. */
  json<T>(): Promise<T>;
  close(): void;
}

/** A connection that was taken over after its answer: raw bytes both ways. */
export interface HijackedStream {
  /** `application/vnd.docker.multiplexed-stream` or raw. */
  contentType: string;
  incoming: AsyncGenerator<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  /** Nothing more will be sent (the container's stdin ends); output goes on. */
  endInput(): void;
  destroy(): void;
}

/**
 * Speaks the Engine API: one connection for each request.
 *
 * The version is agreed on when it turns out to be needed: a daemon that knows `clientApiVersion` is spoken to at once, one that
 * calls it too new is asked for its own by `/_ping`. A round trip less is a fifth of a `pouch ps`.
 */
export class EngineClient {
  readonly #options: EngineClientOptions;
  #version: string | undefined;

  constructor(options: EngineClientOptions) {
    this.#options = options;
    this.#version = options.pinnedVersion;
  }

  /** The version both sides know. */
  async agreedVersion(): Promise<string> {
    return (this.#version ??= await this.#negotiate());
  }

  /** Whether the agreed API version is this one or newer. */
  async atLeast(version: string): Promise<boolean> {
    return compareVersions(await this.agreedVersion(), version) >= 0;
  }

  async get(path: string, options: RequestOptions = {}): Promise<EngineResponse> {
    return await this.request("GET", path, options);
  }

  /** The JSON answer of a GET; the caller names the type the API's contract gives it. */
  async getJson<T>(path: string, query?: Query): Promise<T> {
    return await (await this.get(path, query === undefined ? {} : { query })).json<T>();
  }

  async post(path: string, options: RequestOptions = {}): Promise<EngineResponse> {
    return await this.request("POST", path, options);
  }

  /** A POST whose answer has no body worth reading. */
  async postAndForget(path: string, options: RequestOptions = {}): Promise<void> {
    (await this.request("POST", path, options)).close();
  }

  /** The JSON answer of a POST; the caller names its type. */
  async postJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return await (await this.request("POST", path, options)).json<T>();
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<EngineResponse> {
    const { wire, reader, head, source } = await this.#versioned(method, path, options);
    const abort = (): void => wire.destroy();
    options.signal?.addEventListener("abort", abort, { once: true });
    const close = (): void => {
      options.signal?.removeEventListener("abort", abort);
      wire.destroy();
    };
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* readBody(reader, head);
      } catch (error) {
        source?.rethrow();
        throw error;
      } finally {
        close();
      }
    };
    // The type of `json` is the caller's knowledge of the API; see EngineResponse.
    const text = async (): Promise<string> => await collect(chunks());
    return { head, chunks, text, json: async <T>() => parseJson(await text()) as T, close };
  }

  /** Sends a request that takes the connection over (attach, exec start). */
  async hijack(path: string, options: RequestOptions = {}): Promise<HijackedStream> {
    const headers = { Connection: "Upgrade", Upgrade: "tcp", ...options.headers };
    const { wire, reader, head } = await this.#versioned("POST", path, { ...options, headers });
    const incoming = head.status === 101 ? readRest(reader) : readBody(reader, head);
    return {
      contentType: head.headers.get("content-type") ?? "",
      incoming,
      write: (data) => wire.write(data),
      endInput: () => wire.end(),
      destroy: () => wire.destroy(),
    };
  }

  async #versioned(method: string, path: string, options: RequestOptions): Promise<Exchange> {
    // A body that is streamed cannot be sent a second time, and the answer to HEAD does not say that the version was the reason.
    if (options.body !== undefined || method === "HEAD") await this.agreedVersion();
    const version = this.#version ?? clientApiVersion;
    try {
      return await this.#exchange(method, `/v${version}${path}`, options);
    } catch (error) {
      if (this.#version !== undefined || !isTooNew(error)) throw error;
      return await this.#exchange(method, `/v${await this.agreedVersion()}${path}`, options);
    }
  }

  async #negotiate(): Promise<string> {
    const { wire, reader, head } = await this.#exchange("GET", "/_ping", {});
    await collect(readBody(reader, head));
    wire.destroy();
    const server = head.headers.get("api-version");
    return server !== undefined && compareVersions(server, clientApiVersion) < 0 ? server : clientApiVersion;
  }

  async #exchange(method: string, target: string, options: RequestOptions): Promise<Exchange> {
    options.signal?.throwIfAborted();
    const wire = await this.#dial();
    const abort = (): void => wire.destroy();
    options.signal?.addEventListener("abort", abort, { once: true });
    try {
      const reader = new ByteReader(wire);
      const source = options.body && new BodySource(options.body, wire);
      const sent = send(wire, method, target + queryText(options.query), { ...options, ...(source && { body: source }) });
      // The daemon may answer (and close) before it has read the whole body; its answer says why.
      sent.catch(() => undefined);
      const head = await readHead(reader).catch(async (error: unknown) => {
        options.signal?.throwIfAborted();
        await sent;
        throw error;
      });
      if (head.status >= 400) {
        // An answer to HEAD has no body, whatever length it announces.
        const body = method === "HEAD" ? "" : await collect(readBody(reader, head));
        throw new DaemonError(head.status, errorText(body, head));
      }
      return { wire, reader, head, source };
    } catch (error) {
      wire.destroy();
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", abort);
    }
  }

  async #dial(): Promise<Wire> {
    try {
      return await dial(this.#options);
    } catch (error) {
      throw unreachable(this.#options.address, error);
    }
  }
}

interface Exchange {
  wire: Wire;
  reader: ByteReader;
  head: ResponseHead;
  source: BodySource | undefined;
}

/** What is sent. Where it cannot be read to its end the connection goes: a daemon that waits for the rest would answer nothing. */
class BodySource implements AsyncIterable<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #wire: Wire;
  #failure: { error: unknown } | undefined;

  constructor(body: AsyncIterable<Uint8Array>, wire: Wire) {
    this.#body = body;
    this.#wire = wire;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#body) yield chunk;
    } catch (error) {
      this.#failure = { error };
      this.#wire.destroy();
      throw error;
    }
  }

  rethrow(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

/** The daemon's answer to a version it does not know; nothing was done then. */
function isTooNew(error: unknown): boolean {
  return error instanceof DaemonError && error.status === 400 && /client version .*is too new/i.test(error.daemonMessage);
}

async function send(wire: Wire, method: string, target: string, options: RequestOptions): Promise<void> {
  const upgrade = options.headers?.["Connection"] !== undefined;
  const lines = [`${method} ${target} HTTP/1.1`, "Host: pouch", "User-Agent: pouch"];
  if (!upgrade) lines.push("Connection: close");
  for (const [name, value] of Object.entries(options.headers ?? {})) lines.push(`${name}: ${value}`);
  if (options.body !== undefined) {
    lines.push(`Content-Type: ${options.contentType ?? "application/x-tar"}`, "Transfer-Encoding: chunked");
    await wire.write(`${lines.join("\r\n")}\r\n\r\n`);
    for await (const chunk of options.body) {
      if (chunk.length > 0)
        await wire.write(Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]));
    }
    await wire.write("0\r\n\r\n");
    return;
  }
  const json = options.json === undefined ? "" : JSON.stringify(options.json);
  if (json !== "") lines.push("Content-Type: application/json");
  if (json !== "" || method !== "GET") lines.push(`Content-Length: ${Buffer.byteLength(json)}`);
  await wire.write(`${lines.join("\r\n")}\r\n\r\n${json}`);
}

function queryText(query: Query | undefined): string {
  if (query === undefined) return "";
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) parts.push(`${name}=${encodeURIComponent(String(one))}`);
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return (all.length === 1 && all[0] !== undefined ? Buffer.from(all[0]) : Buffer.concat(all)).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`the daemon's answer is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

function errorText(body: string, head: ResponseHead): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed && typeof parsed.message === "string")
      return parsed.message;
  } catch {
    // Not JSON: a proxy or an older daemon; its text is all there is.
  }
  return body.trim() === "" ? `${head.status} ${head.reason}` : body.trim();
}

function unreachable(address: HostAddress, error: unknown): CliError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "EACCES" || code === "EPERM") {
    return new CliError(`permission denied while trying to connect to the Pouch daemon at ${address.text}`, {
      hint: "Use sudo, or join the group that owns the socket.",
      cause: error,
    });
  }
  const reason = ["ENOENT", "ECONNREFUSED", "FailedToOpenSocket", ""].includes(code) ? "" : ` (${messageOf(error)})`;
  return new CliError(`Cannot connect to the Pouch daemon at ${address.text}. Is pouchd running?${reason}`, {
    hint: "Start it with 'pouchd' as root, or name another address with -H or POUCH_HOST.",
    cause: error,
  });
}

/** Negative when `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}
