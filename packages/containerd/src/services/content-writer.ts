import { EngineError, internal, isKind } from "@pouchcontainer/errors";
import { Content, WriteAction } from "../gen/content_pb.ts";
import type { WriteContentResponse } from "../gen/content_pb.ts";
import { Leases } from "../gen/leases_pb.ts";
import type { DuplexCall } from "../grpc/duplex-call.ts";
import type { CallOptions, ContentService, ContentWriter } from "../types.ts";
import type { CallContext } from "./call-context.ts";
import { callOptions, deadlines } from "./call-context.ts";

/** Chunks are gathered to messages of about this size; containerd takes at most 16 MiB in one. */
const messageBytes = 1 << 20;
/** Number of the `data` field of WriteContentRequest. */
const dataField = 6;

interface WriterDeps {
  context: CallContext;
  service: Pick<ContentService, "updateLabels" | "abort">;
}

interface WriterRequest {
  ref: string;
  expected: { size?: number; digest?: string };
  call: CallOptions | undefined;
}

type WriteCall = DuplexCall<typeof Content.method.write.input, typeof Content.method.write.output>;

export async function openContentWriter(deps: WriterDeps, request: WriterRequest): Promise<ContentWriter> {
  const { ref, expected, call: options } = request;
  const call = deps.context.channel.duplex(Content.method.write, callOptions(options, deadlines.none));
  await call.send({ action: WriteAction.STAT, ref, total: BigInt(expected.size ?? 0), expected: expected.digest ?? "" });
  try {
    const status = await call.answers.next();
    if (status.done === true) throw internal(`containerd ended the write of ${ref} before it began`);
    return new RemoteWriter(deps, request, call, Number(status.value.offset));
  } catch (error) {
    if (isKind(error, "alreadyExists") && expected.digest !== undefined)
      await holdExisting(deps.context, expected.digest, options);
    throw error;
  }
}

class RemoteWriter implements ContentWriter {
  readonly #deps: WriterDeps;
  readonly #request: WriterRequest;
  readonly #call: WriteCall;
  /** Resolves when containerd ended the call. */
  readonly #ended: Promise<void>;
  #last: WriteContentResponse | undefined;
  #failure: EngineError | undefined;
  #offset: number;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #closed = false;

  constructor(deps: WriterDeps, request: WriterRequest, call: WriteCall, offset: number) {
    this.#deps = deps;
    this.#request = request;
    this.#call = call;
    this.#offset = offset;
    this.#ended = this.#readAnswers();
  }

  get offset(): number {
    return this.#offset + this.#gatheredBytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#checkOpen();
    for (let start = 0; start < chunk.length; start += messageBytes) {
      const part = chunk.subarray(start, start + messageBytes);
      if (this.#gatheredBytes + part.length > messageBytes) await this.#flush();
      this.#gathered.push(part);
      this.#gatheredBytes += part.length;
    }
    if (this.#gatheredBytes >= messageBytes / 2) await this.#flush();
  }

  async commit(expected: {
    size?: number;
    digest?: string;
    labels?: Record<string, string>;
  }): Promise<{ digest: string; size: number }> {
    this.#checkOpen();
    await this.#flush();
    this.#closed = true;
    const digest = expected.digest ?? this.#request.expected.digest;
    const total = BigInt(expected.size ?? this.#offset);
    await this.#call.send({
      action: WriteAction.COMMIT,
      offset: BigInt(this.#offset),
      total,
      expected: digest ?? "",
      labels: expected.labels ?? {},
    });
    this.#call.end();
    await this.#ended;
    if (this.#failure !== undefined) {
      if (!isKind(this.#failure, "alreadyExists") || digest === undefined) throw this.#failure;
      // What would have been set by the commit has to be set on what is there, or its children could be collected.
      await this.#deps.service.updateLabels(digest, expected.labels ?? {}, this.#request.call);
      await holdExisting(this.#deps.context, digest, this.#request.call);
      return { digest, size: Number(total) };
    }
    if (this.#last?.action !== WriteAction.COMMIT)
      throw internal(`containerd ended the write of ${this.#request.ref} without committing it`);
    return { digest: this.#last.digest, size: Number(this.#last.offset) };
  }

  async abort(): Promise<void> {
    this.#closed = true;
    this.#gathered = [];
    // Ended, not cancelled: containerd has given the reference free when the call is over.
    this.#call.end();
    await this.#ended;
    await this.#deps.service.abort(this.#request.ref);
  }

  #checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw internal(`the write of ${this.#request.ref} is closed`);
  }

  async #flush(): Promise<void> {
    if (this.#gatheredBytes === 0) return;
    const parts = this.#gathered;
    const offset = BigInt(this.#offset);
    this.#offset += this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    // The offset has to be right: containerd takes 0 as "begin anew".
    await this.#call.sendWithBytes({ action: WriteAction.WRITE, offset }, dataField, parts);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #readAnswers(): Promise<void> {
    try {
      for await (const answer of this.#call.answers) this.#last = answer;
    } catch (error) {
      this.#failure = EngineError.from(error);
    }
  }
}

/** containerd answers "exists" in places where it did not put the content under the lease of the call. */
async function holdExisting({ channel }: CallContext, digest: string, options: CallOptions | undefined): Promise<void> {
  const id = options?.leaseId;
  if (id !== undefined)
    await channel.unary(Leases.method.addResource, { id, resource: { id: digest, type: "content" } }, callOptions(options));
}
