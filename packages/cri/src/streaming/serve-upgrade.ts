import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Refusal } from "./refuse-upgrade.ts";
import { serveSpdy } from "./spdy/serve-spdy.ts";
import type { Promised, Serving, Upgrade } from "./upgrade.ts";
import { serveWebSocket } from "./web-socket/serve-web-socket.ts";

/** Serves one request for another protocol until its connection is closed; or says why not. */
export async function serveUpgrade(request: IncomingMessage, connection: Duplex, serving: Serving): Promise<Refusal | undefined> {
  const { method, url = "", headers } = request;
  if (method !== "GET" && method !== "POST") return { status: 405, message: "use GET or POST", headers: { Allow: "GET, POST" } };
  const [, kind, token = ""] = /^\/(exec|attach|portforward)\/([\w-]{1,64})(?:\?|$)/.exec(url) ?? [];
  if (kind !== "exec" && kind !== "attach" && kind !== "portforward") return notFound;
  const redeem = (): Promised | Refusal => {
    const promised = serving.redeem(token);
    return promised?.kind === kind ? promised : notFound;
  };
  const upgrade: Upgrade = { request, connection, kind, serving, redeem };
  switch (headers.upgrade?.toLowerCase()) {
    case "websocket":
      return serveWebSocket(upgrade);
    case "spdy/3.1":
      return serveSpdy(upgrade);
    default:
      return { status: 400, message: "unable to upgrade: this server speaks SPDY/3.1 and websocket" };
  }
}

/** The same for tokens that never were, were used, came late, or are of another kind: nothing is to be learned from it. */
const notFound: Refusal = { status: 404, message: "404 page not found" };
