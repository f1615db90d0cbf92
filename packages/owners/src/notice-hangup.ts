import type { Socket } from "node:net";

const probeMilliseconds = 500;
const keepAliveMilliseconds = 30_000;

/**
 * Sees to it that a connection is closed when its client is gone, though nothing is read from it: a client that ended its own
 * direction may still be listening, and one that went away looks the same; and while we do not read because we cannot use more, the
 * end of what comes is not seen at all. On a Unix socket a write of no bytes tells (EPIPE once the other end is closed); on TCP the
 * kernel's probes do.
 */
export function noticeHangup(socket: Socket): void {
  socket.setKeepAlive(true, keepAliveMilliseconds);
  const probe = (): void => {
    if (socket.writable && socket.writableLength === 0) socket.write(Buffer.alloc(0));
  };
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer ??= setInterval(probe, probeMilliseconds).unref();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  socket.on("pause", begin);
  socket.on("resume", () => {
    if (!socket.readableEnded) stop();
  });
  socket.once("end", () => {
    probe();
    begin();
  });
  socket.once("close", stop);
}
