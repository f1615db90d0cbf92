import type { ClientHttp2Session } from "node:http2";

export interface KeepAliveOptions {
  /** Pause between one answer and the next question. */
  intervalMs: number;
  /** How long the other side may be silent: it answers this call whatever else it is busy with. */
  timeoutMs: number;
}

/**
 * Asks the other side again and again whether it is there, by a call of the channel's own. Calls that may take for ever (waits,
 * events, the unpacking of a layer) have no deadline of their own: theirs is that somebody is still at work on the other side.
 * No HTTP/2 pings: grpc-go ends a connection with ENHANCE_YOUR_CALM after the third that comes sooner than five minutes after the
 * one before it, unless it has sent something in between; what it answers to a call is something.
 */
export function keepAlive(
  session: ClientHttp2Session,
  options: KeepAliveOptions,
  ask: (session: ClientHttp2Session) => Promise<unknown>,
  onSilent: () => void,
): void {
  let timer: NodeJS.Timeout | undefined;
  const again = (): void => {
    if (!session.destroyed && !session.closed) timer = setTimeout(look, options.intervalMs).unref();
  };
  const look = (): void => {
    let answered = false;
    // An answer that came while our own event loop stood still is read before the second look.
    const late = setTimeout(() => setImmediate(() => (answered ? undefined : onSilent())), options.timeoutMs);
    timer = late.unref();
    const heard = (): void => {
      answered = true;
      clearTimeout(late);
      again();
    };
    // A refusal is an answer as well; a connection that broke has its own end.
    ask(session).then(heard, heard);
  };
  again();
  session.once("close", () => clearTimeout(timer));
}
