import type { Socket } from "node:net";

const probeMilliseconds = 500;
const keepAliveMilliseconds = 30_000;

/**
 * Sees to it that a connection is closed when its client is gone, though nothing is read from it any more: a client that
 * ended its own direction may still be listening, and one that went away looks the same. On a Unix socket a write of no bytes
 * tells them apart (EPIPE once the other end is closed); on TCP the kernel's probes do.
 */
export function noticeHangup(socket: Socket): void {
  socket.setKeepAlive(true, keepAliveMilliseconds);
  socket.once("end", () => {
    const probe = () => {
      if (socket.writable && socket.writableLength === 0) socket.write(Buffer.alloc(0));
    };
    probe();
    const timer = setInterval(probe, probeMilliseconds);
    timer.unref();
    socket.once("close", () => clearInterval(timer));
  });
}
