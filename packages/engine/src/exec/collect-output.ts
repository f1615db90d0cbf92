import { cancelled, deadlineExceeded } from "@pouchcontainer/errors";
import { callAfter, inBackground } from "@pouchcontainer/owners";
import type { StdioSession } from "../containers/stdio/stdio-session.ts";

export interface RunSyncOptions {
  /** How long it may take, its start included; it is killed then. Default: as long as it likes. */
  timeoutMs?: number;
  /** Whoever asked is gone: it is killed. */
  signal?: AbortSignal;
  /** Of both streams together this much is kept, the rest is read and dropped. Default: what fits into a message of 16 MiB, the largest of CRI. */
  maxOutputBytes?: number;
}

export interface RunSyncResult {
  exitCode: number;
  stdout: Buffer;
  stderr: Buffer;
}

interface StartedProcess {
  session: Pick<StdioSession, "output" | "close">;
  ended: Promise<number>;
  kill: () => Promise<void>;
  /** `performance.now()` when its start began. */
  begunAt: number;
}

const defaultOutputBytes = (16 << 20) - 1024;

/** Reads what a process says until it has ended, or ends it. */
export async function collectOutput(
  { session, ended, kill, begunAt }: StartedProcess,
  { timeoutMs, signal, maxOutputBytes = defaultOutputBytes }: RunSyncOptions,
): Promise<RunSyncResult> {
  let over: "late" | "unwanted" | undefined;
  const end = (reason: "late" | "unwanted") => () => {
    over ??= reason;
    session.close();
    inBackground("killing a command that is not waited for", kill);
  };
  const late = end("late");
  const unwanted = end("unwanted");
  const callOff = timeoutMs === undefined ? undefined : callAfter(Math.max(0, begunAt + timeoutMs - performance.now()), late);
  if (signal?.aborted) unwanted();
  else signal?.addEventListener("abort", unwanted, { once: true });
  try {
    const room = { bytes: maxOutputBytes };
    const streams = { stdout: new Head(room), stderr: new Head(room) };
    for await (const { stream, data } of session.output) streams[stream].add(data);
    const exitCode = await ended;
    if (over === "late") throw deadlineExceeded(`timeout ${(timeoutMs ?? 0) / 1000}s exceeded`);
    if (over === "unwanted") throw cancelled("the command was killed: nobody waits for it");
    return { exitCode, stdout: streams.stdout.bytes, stderr: streams.stderr.bytes };
  } finally {
    callOff?.();
    signal?.removeEventListener("abort", unwanted);
  }
}

/** The beginning of what is added. */
class Head {
  readonly #pieces: Buffer[] = [];
  readonly #room: { bytes: number };

  /** What is added takes of this room, which others may share. */
  constructor(room: { bytes: number }) {
    this.#room = room;
  }

  /** Copied: the memory is only lent. */
  add(data: Uint8Array): void {
    if (this.#room.bytes === 0) return;
    const piece = Buffer.from(data.subarray(0, this.#room.bytes));
    this.#room.bytes -= piece.length;
    this.#pieces.push(piece);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}
