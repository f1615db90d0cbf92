import { endpoints, type ContainerWaitResponse } from "@pouchcontainer/api";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import type { Duplex } from "node:stream";
import { isBelow } from "../api-version.ts";
import type { ContainerBackend, LogsOptions } from "../backend.ts";
import type { Calls, QueryOf } from "../call.ts";
import { streamJsonLines } from "../json-lines.ts";
import type { Lifetime } from "../lifetime.ts";
import { sendEmpty, sendJson } from "../respond.ts";
import { sendOutput } from "../send-output.ts";
import { serveSession } from "../serve-session.ts";
import { hasRead, takeOverConnection } from "../take-over-connection.ts";
import { refOf } from "./ref.ts";
import { nanoseconds } from "../timestamp.ts";
import { acceptWebSocket, checkHandshake } from "../web-socket.ts";

/** Container operations that go on for a while: attach, logs, wait, stats. */
export function containerStreamHandlers(calls: Calls, containers: ContainerBackend, lifetime: Lifetime) {
  return {
    ContainerAttach: calls.takeOver(endpoints.ContainerAttach, async (call) => {
      const { stdin = false, stdout = false, stderr = false, logs = false, stream = false, detachKeys } = call.query;
      const given = detachKeys ? { detachKeys } : {};
      // What refuses it is told as what would have streamed.
      call.response.setHeader("Content-Type", "application/vnd.docker.raw-stream");
      const session = await containers.attach(refOf(call), { stdin, stdout, stderr, logs, stream, ...given });
      await takeOverConnection(call, lifetime, { raw: session.tty, serverHeaders: false, open: async () => session });
    }),

    ContainerAttachWebsocket: calls.takeOver(endpoints.ContainerAttachWebsocket, async (call) => {
      const { stdin = false, stdout = false, stderr = false, logs = false, stream = false, detachKeys } = call.query;
      const streams = isBelow(call.version, "1.42") ? { stdin: true, stdout: true, stderr: true } : { stdin, stdout, stderr };
      const session = await containers.attach(refOf(call), { ...streams, logs, stream, ...(detachKeys ? { detachKeys } : {}) });
      let messages: Duplex;
      try {
        checkHandshake(call.request, call.response);
        messages = await acceptWebSocket(call.request, call.response, { binary: !isBelow(call.version, "1.28") });
      } catch (thrown) {
        session.close();
        throw thrown;
      }
      session.served?.({ hasRead: () => hasRead(call.request.socket, lifetime) });
      await serveSession(session, messages, true);
    }),

    ContainerLogs: calls.takeOver(endpoints.ContainerLogs, async (call) => {
      const options = logsOptions(call.query);
      const signal = options.follow ? call.endlessSignal() : call.signal();
      const { tty, output } = await containers.logs(refOf(call), options, signal);
      await sendOutput(call, { tty, output }, signal);
    }),

    ContainerWait: calls.takeOver(endpoints.ContainerWait, async (call) => {
      const signal = call.endlessSignal();
      const { registered, result } = containers.wait(refOf(call), waitCondition(call.query.condition), signal);
      // It is awaited below; when `registered` fails first, nobody does.
      result.catch(() => undefined);
      await registered;
      call.response.writeHead(200, { "Content-Type": "application/json" });
      call.response.flushHeaders();
      call.response.end(`${JSON.stringify(await waited(result, signal))}\n`);
    }),

    ContainerStats: calls.takeOver(endpoints.ContainerStats, async (call) => {
      const { stream = true } = call.query;
      const oneShot = (call.query["one-shot"] ?? false) && !isBelow(call.version, "1.41");
      if (oneShot && stream) throw invalidArgument("cannot have stream=true and one-shot=true");
      const ref = refOf(call);
      const signal = call.endlessSignal();
      const samples = containers.stats(ref, { stream, oneShot }, signal);
      if (stream) {
        // The existence of the container is known only with the first sample, and so is the status.
        const iterator = samples[Symbol.asyncIterator]();
        const first = await iterator.next();
        if (first.done) return sendEmpty(call.response, 200);
        await streamJsonLines(call.response, startingWith(first.value, iterator), signal);
        return;
      }
      for await (const sample of samples) return sendJson(call.response, 200, sample);
      // It went before there was a sample: dockerd has nothing to say then either.
      sendEmpty(call.response, 200);
    }),
  };
}

function logsOptions(query: QueryOf<typeof endpoints.ContainerLogs>): LogsOptions {
  const { stdout = false, stderr = false, follow = false, timestamps = false, details = false, tail } = query;
  if (!stdout && !stderr) throw invalidArgument("Bad parameters: you must choose at least one stream");
  // Anything that is no number of lines means all, as with Docker.
  const lines = tail !== undefined && /^\d+$/.test(tail) ? { tail: Number(tail) } : {};
  const since = nanoseconds("since", query.since);
  // A plain 0 is none, 0.0 a time.
  const until = query.until === "0" ? undefined : nanoseconds("until", query.until);
  return {
    stdout,
    stderr,
    follow,
    timestamps,
    details,
    ...lines,
    ...(since ? { since } : {}),
    ...(until === undefined ? {} : { until }),
  };
}

const waitConditions = ["not-running", "next-exit", "removed"] as const;

function waitCondition(condition: string | undefined): (typeof waitConditions)[number] {
  const known = waitConditions.find((one) => one === (condition || "not-running"));
  if (!known) throw invalidArgument(`invalid condition: ${JSON.stringify(condition)}; it is one of ${waitConditions.join(", ")}`);
  return known;
}

/** A wait that fails after its head was sent says so in its body, as Docker's does. */
async function waited(result: Promise<ContainerWaitResponse>, signal: AbortSignal): Promise<ContainerWaitResponse> {
  try {
    return await result;
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return { StatusCode: -1, Error: { Message: EngineError.from(thrown).message } };
  }
}

async function* startingWith<T>(first: T, rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    yield first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
