import type { ContainerWaitResponse } from "@pouchcontainer/api";
import type { EngineClient } from "../client/engine-client.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext } from "../context.ts";
import { inPath } from "../for-each-name.ts";
import { openSession } from "../streams/session.ts";
import type { Session } from "../streams/session.ts";

export interface AttachRequest {
  id: string;
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  detachKeys: { text: string; bytes: Uint8Array };
}

/** Attaches this process's streams to a container's. */
export async function attachTo(context: CliContext, engine: EngineClient, request: AttachRequest): Promise<Session> {
  const path = `/containers/${inPath(request.id)}`;
  const flag = (value: boolean): 1 | undefined => (value ? 1 : undefined);
  const stream = await engine.hijack(`${path}/attach`, {
    query: {
      stream: 1,
      stdin: flag(request.stdin),
      stdout: flag(request.stdout),
      stderr: flag(request.stderr),
      detachKeys: request.detachKeys.text,
    },
  });
  return await openSession(context, {
    stream,
    tty: request.tty,
    stdin: request.stdin,
    detachKeys: request.detachKeys.bytes,
    resize: async ({ width, height }) => await engine.postAndForget(`${path}/resize`, { query: { h: height, w: width } }),
  });
}

export interface AwaitedExit {
  /** The exit status of the container. */
  status: Promise<number>;
  cancel(): void;
}

/** Starts to wait for a container's end. When this returns the daemon is waiting: no exit after it can be missed. */
export async function awaitExit(
  engine: EngineClient,
  id: string,
  condition: "next-exit" | "removed" | "not-running",
): Promise<AwaitedExit> {
  const answer = await engine.post(`/containers/${inPath(id)}/wait`, { query: { condition } });
  const status = answer.json<ContainerWaitResponse>().then((result) => {
    if (result.Error?.Message) throw new CliError(`Error waiting for container: ${result.Error.Message}`, { exitCode: 125 });
    return result.StatusCode;
  });
  // Nobody may ask for it when the start fails; that failure is the one to report.
  status.catch(() => undefined);
  return { status, cancel: () => answer.close() };
}
