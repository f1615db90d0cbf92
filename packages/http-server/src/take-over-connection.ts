import type { Endpoint } from "@pouchcontainer/api";
import { noticeHangup } from "@pouchcontainer/owners";
import type { StdioSession } from "./backend.ts";
import type { Call } from "./call.ts";
import { hijack } from "./hijack.ts";
import type { Lifetime } from "./lifetime.ts";
import { letGo, serveSession } from "./serve-session.ts";
import { streamType } from "./stream-type.ts";

/** Answers a call by connecting its client with a process, until one of them is done. */
export async function takeOverConnection(
  call: Call<Endpoint>,
  session: StdioSession,
  detachKeys: Buffer,
  lifetime: Lifetime,
): Promise<void> {
  if (call.response.destroyed) {
    letGo(session);
    return;
  }
  const socket = hijack(call.request, call.response, streamType(call.version, session.tty));
  noticeHangup(socket);
  lifetime.takenOver.add(socket);
  socket.once("close", () => lifetime.takenOver.delete(socket));
  await serveSession(session, socket, detachKeys);
}
