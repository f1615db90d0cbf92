import { jsonBoundsInPieces } from "@pouchcontainer/api";
import {
  EngineError,
  cancelled,
  cutText,
  internal,
  resourceExhausted,
  unavailable,
  type ErrorKind,
} from "@pouchcontainer/errors";
import { Agent, request, type IncomingMessage } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { defaultAnswerBounds, type AnswerBounds } from "../answer-bounds.ts";

/** Looks at an answer as it comes in and refuses one that would be too much work to read; the fault is the plugin's. */
export function answerScan(maxValues: number): (chunk: Uint8Array) => void {
  return jsonBoundsInPieces({ maxValues, refuse: (problem) => resourceExhausted(`its answer ${problem}`) });
}

/** What a call sends and how it may end. */
export interface WireRequest {
  path: string;
  body: Buffer | string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** A few connections to one Unix socket, kept open between calls. */
export class WireClient {
  readonly #socketPath: () => string;
  readonly #bounds: AnswerBounds;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 4 });

  /** A function is asked for each call, in the turn in which it is connected; what it throws is the call's failure. */
  constructor(socketPath: string | (() => string), bounds = defaultAnswerBounds) {
    this.#socketPath = typeof socketPath === "string" ? () => socketPath : socketPath;
    this.#bounds = bounds;
  }

  /** Posts JSON and parses the answer. Throws what the other side reported, or `unavailable` when it cannot be reached. */
  async call(path: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
    const look = answerScan(this.#bounds.values);
    return parse(await this.post({ path, body: JSON.stringify(body), ...(signal === undefined ? {} : { signal }) }, look));
  }

  /** Posts bytes and returns the bytes of the answer, each of which `look` was shown. */
  post({ path, body, headers, signal }: WireRequest, look: (chunk: Buffer) => void = () => undefined): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(cancelled("the call was given up"));
        return;
      }
      const onAbort = (): void => {
        outgoing.destroy();
        reject(cancelled("the call was given up"));
      };
      const finish = (): void => signal?.removeEventListener("abort", onAbort);
      const fail = (error: Error): void => {
        finish();
        reject(error);
      };
      const outgoing = request({
        agent: this.#agent,
        socketPath: this.#socketPath(),
        method: "POST",
        path,
        headers: { Host: "plugin", "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), ...headers },
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      outgoing.once("error", (error) => fail(unavailable(`its process does not answer: ${error.message}`, { cause: error })));
      outgoing.once("response", (response) => {
        collect(response, this.#bounds.bytes, look).then(
          (bytes) => {
            finish();
            const status = response.statusCode ?? 0;
            if (status >= 200 && status < 300) resolve(bytes);
            else reported(bytes, status).then(reject, reject);
          },
          (error: unknown) => {
            outgoing.destroy();
            fail(error instanceof Error ? error : new Error(String(error)));
          },
        );
      });
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function collect(response: IncomingMessage, maxBytes: number, look: (chunk: Buffer) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // An incoming message without encoding yields buffers.
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw resourceExhausted(`its answer is larger than ${maxBytes} bytes`);
      look(chunk);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw unavailable("its process closed the connection half way through the answer", { cause: error });
  }
  const only = chunks[0];
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

const largeBytes = 256 * 1024;

async function parse(bytes: Buffer): Promise<unknown> {
  // To read a large one takes a turn of the event loop, and nothing else is to be in it.
  const isLarge = bytes.length > largeBytes;
  if (isLarge) await nextTurn();
  const text = bytes.toString("utf8");
  if (isLarge) await nextTurn();
  if (text === "") throw internal("it answered with an empty body where a JSON object was wanted");
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    throw new EngineError("internal", `its answer is not JSON: ${excerpt(bytes)}`, { cause: error });
  }
  if (typeof answer === "object" && answer !== null && "Err" in answer) {
    const { Err } = answer;
    if (typeof Err === "string" && Err !== "") throw errorOf({ ...answer, Err });
    // Docker's plugins write an empty text, others null, where nothing failed.
    if (Err !== "" && Err !== null) throw internal(`Err of its answer must be a string: ${excerpt(bytes)}`);
  }
  return answer ?? {};
}

const kinds: ReadonlySet<string> = new Set<ErrorKind>([
  "invalidArgument",
  "unauthenticated",
  "forbidden",
  "notFound",
  "conflict",
  "alreadyExists",
  "failedPrecondition",
  "resourceExhausted",
  "deadlineExceeded",
  "notImplemented",
  "unavailable",
  "internal",
]);

export function isErrorKind(value: unknown): value is ErrorKind {
  return typeof value === "string" && kinds.has(value);
}

function errorOf(answer: { Err: string; Kind?: unknown }): EngineError {
  const kind = typeof answer.Kind === "string" && kinds.has(answer.Kind) ? answer.Kind : "internal";
  // A member of the set, whose members are kinds.
  return new EngineError(kind as ErrorKind, cutText(answer.Err));
}

async function reported(bytes: Buffer, status: number): Promise<EngineError> {
  try {
    if (bytes.length > 0) await parse(bytes);
  } catch (error) {
    if (error instanceof EngineError && !error.message.startsWith("its answer is not JSON")) return error;
  }
  return new EngineError("internal", `it answered with status ${status}: ${excerpt(bytes)}`);
}

function excerpt(bytes: Buffer): string {
  const text = bytes.subarray(0, 120).toString("utf8");
  return JSON.stringify(bytes.length > 120 ? `${text}…` : text);
}
