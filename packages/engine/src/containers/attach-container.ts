import { conflict } from "@pouchcontainer/errors";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import { logFormat } from "./open-log.ts";
import { readLog } from "./logs/log-reader.ts";
import { parseDetachKeys } from "./stdio/detach-keys.ts";
import type { InputPipe } from "./stdio/input-pipe.ts";
import type { OutputChunk } from "./stdio/output-chunk.ts";
import type { OutputTap } from "./stdio/output-hub.ts";
import { sessionInput, type StdioSession } from "./stdio/stdio-session.ts";

export interface AttachRequest {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  logs: boolean;
  stream: boolean;
  detachKeys?: string;
  /** Whether there are keys that let go of a terminal. Default: yes. */
  detachable?: boolean;
}

/** Connects a client to the container's streams: those of its current run, or before a start those of the next. `ref` is its word. */
export function attachContainer(room: ContainerRoom, container: Container, ref: string, request: AttachRequest): StdioSession {
  const detachKeys = parseDetachKeys(request.detachKeys ?? "");
  if (container.removing) throw conflict(`container ${ref} is marked for removal and cannot be attached to`);
  if (container.state.status === "paused") throw conflict(`container ${ref} is paused, unpause the container before attach`);
  if (container.state.status === "restarting")
    throw conflict(`container ${ref} is restarting, wait until the container is running`);
  const { Tty: tty = false, OpenStdin = false, StdinOnce = false } = container.record.config;
  const { hub, input } = container.streams;
  const gone = new AbortController();
  let tap: OutputTap | undefined;
  let hasRead = (): boolean => true;
  const openTap = (): AsyncIterable<OutputChunk> => {
    if (!request.stream || gone.signal.aborted) return nothing();
    tap = hub.attach({ stdout: request.stdout, stderr: request.stderr });
    tap.hasRead = () => hasRead();
    return tap;
  };
  const close = (): void => {
    gone.abort();
    tap?.close();
  };
  const served = (client: { hasRead: () => boolean }): void => {
    ({ hasRead } = client);
  };
  publishContainerEvent(room.deps.events, container.record, "attach");
  const output = request.logs ? afterLog(container, request, openTap, gone.signal) : openTap();
  if (!request.stdin || !OpenStdin || !request.stream) return { tty, output, close, served };
  const writable = sessionInput({
    pipe: input,
    // With a TTY the end of a client's input says nothing about the process (moby `stream/attach.go`).
    ...(StdinOnce && !tty ? { closeStdin: () => closeStdin(room, container, input) } : {}),
    ...(tty && request.detachable !== false ? { detachKeys } : {}),
    onDetach: () => {
      publishContainerEvent(room.deps.events, container.record, "detach");
      close();
    },
    onEnd: close,
  });
  return { tty, output, input: writable, close, served };
}

/** First the daemon's end of the FIFO, then the shim's: the process sees the end when both are closed. */
async function closeStdin({ deps }: ContainerRoom, container: Container, input: InputPipe): Promise<void> {
  await input.end();
  // Only now: a client whose input ended before the start has waited here for the run.
  const { run } = container;
  if (run?.stdio.input === input) await deps.containerd.tasks.closeIO(container.id, undefined).catch(() => undefined);
}

/**
 * The log and then what comes. A chunk is logged and handed to taps in one tick, and the log's end is seen in one: a tap that
 * is opened right after it misses nothing that the log does not have, and repeats nothing. What there is of a line whose end has not come
 * is in neither, and comes in between.
 */
async function* afterLog(
  container: Container,
  request: AttachRequest,
  openTap: () => AsyncIterable<OutputChunk>,
  signal: AbortSignal,
): AsyncGenerator<OutputChunk, void, undefined> {
  const { record } = container;
  if (record.logPath !== "") {
    const query = { stdout: request.stdout, stderr: request.stderr, follow: false, timestamps: false, details: false };
    yield* readLog(record.logPath, query, signal, undefined, logFormat(record));
  }
  const begun = request.stream ? unfinishedLines(container, request) : [];
  const tap = openTap();
  yield* begun;
  yield* tap;
}

function unfinishedLines({ run }: Container, request: AttachRequest): OutputChunk[] {
  return (["stdout", "stderr"] as const).flatMap((stream) => {
    const data = request[stream] ? run?.log?.unfinished(stream) : undefined;
    return data?.length ? [{ stream, data }] : [];
  });
}

async function* nothing(): AsyncGenerator<OutputChunk, void, undefined> {
  // An attach that neither streams nor replays has nothing to say.
}
