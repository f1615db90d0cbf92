import type { ClientHttp2Session } from "node:http2";

export interface KeepAliveOptions {
  /** Pause between the answer to one ping and the next. */
  intervalMs: number;
  /** How long the other side may be silent: it answers pings whatever else it is busy with. */
  timeoutMs: number;
}

/**
 * Asks the other side again and again whether it is there. Calls that may take for ever (waits, events, the unpacking of a
 * layer) have no deadline of their own: theirs is that somebody is still at work on the other side.
 */
export function keepAlive(session: ClientHttp2Session, options: KeepAliveOptions, onSilent: () => void): void {
  let timer: NodeJS.Timeout | undefined;
  const ping = (): void => {
    let answered = false;
    // An answer that came while our own event loop stood still is read before the second look.
    const late = setTimeout(() => setImmediate(() => (answered ? undefined : onSilent())), options.timeoutMs);
    timer = late.unref();
    session.ping((error) => {
      answered = true;
      clearTimeout(late);
      if (error === null && !session.destroyed) timer = setTimeout(ping, options.intervalMs).unref();
    });
  };
  timer = setTimeout(ping, options.intervalMs).unref();
  session.once("close", () => clearTimeout(timer));
}
