import type { Duplex } from "node:stream";
import type { PortForwardRequest, WantedStreams } from "../backend.ts";
import { negotiateProtocol, protocolsIn } from "../negotiate-protocol.ts";
import type { Refusal } from "../refuse-upgrade.ts";
import { serveCommand, type Command } from "../serve-command.ts";
import { servePort } from "../serve-port.ts";
import { commandOf, type Serving, type Upgrade } from "../upgrade.ts";
import { commandProtocols, SpdyCommandStreams } from "./command-streams.ts";
import { portForwardProtocol, SpdyPortPairs } from "./port-pairs.ts";
import { SpdyConnection } from "./spdy-connection.ts";

/** Two for each connection that is forwarded. */
const maxPortStreams = 512;
/** As many as there are kinds, and some that are refused. */
const maxCommandStreams = 8;

/** Serves exec, attach and port-forward over SPDY/3.1. */
export async function serveSpdy({ request, connection, kind, serving, redeem }: Upgrade): Promise<Refusal | undefined> {
  const asked = request.headersDistinct["x-stream-protocol-version"];
  const spoken: readonly string[] = kind === "portforward" ? [portForwardProtocol] : commandProtocols;
  // Clients from before there were versions speak the first one.
  const protocol = protocolsIn(asked).length === 0 ? spoken.at(-1) : negotiateProtocol(asked, spoken);
  if (protocol === undefined)
    return {
      status: 403,
      message: `unable to upgrade: unable to negotiate protocol: this server accepts ${spoken.join(", ")}`,
      headers: { "X-Accepted-Stream-Protocol-Versions": spoken.join(", ") },
    };
  const promised = redeem();
  if ("status" in promised) return promised;
  const head = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: SPDY/3.1"];
  connection.write([...head, `X-Stream-Protocol-Version: ${protocol}`, "", ""].join("\r\n"));
  if (promised.kind === "portforward") await serveSpdyPorts(connection, promised.request, serving);
  else await serveSpdyCommand(connection, commandOf(promised, serving.backend), promised.request, protocol, serving);
  return undefined;
}

async function serveSpdyCommand(
  connection: Duplex,
  command: Command,
  wanted: WantedStreams,
  protocol: string,
  { idleTimeoutMs, creationTimeoutMs }: Serving,
): Promise<void> {
  const gathering = new SpdyCommandStreams(protocol, wanted);
  const spdy = new SpdyConnection({
    connection,
    idleTimeoutMs,
    maxStreams: maxCommandStreams,
    onStream: (stream) => gathering.add(stream),
  });
  const running = spdy.run();
  const streams = await gathering.complete(creationTimeoutMs, spdy.signal).catch(() => undefined);
  if (streams === undefined) await spdy.finish();
  else await serveCommand(streams, spdy, command);
  await running;
}

/** Serves a port-forward over a connection, or a tunnel, that speaks SPDY. */
export async function serveSpdyPorts(
  connection: Duplex,
  { podSandboxId }: PortForwardRequest,
  { backend, idleTimeoutMs, creationTimeoutMs }: Serving,
): Promise<void> {
  const forwarded = new Set<Promise<void>>();
  const pairs = new SpdyPortPairs(creationTimeoutMs, (pair) => {
    const forward = (): Promise<void> => backend.portForward({ podSandboxId, port: pair.port }, pair.data, spdy.signal);
    const serving = servePort(pair, podSandboxId, forward).finally(() => forwarded.delete(serving));
    forwarded.add(serving);
  });
  const spdy = new SpdyConnection({
    connection,
    idleTimeoutMs,
    maxStreams: maxPortStreams,
    onStream: (stream) => pairs.add(stream),
  });
  await spdy.run();
  pairs.close();
  await Promise.all(forwarded);
}
