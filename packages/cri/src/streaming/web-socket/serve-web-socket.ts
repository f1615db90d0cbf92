import { negotiateProtocol, protocolsIn } from "../negotiate-protocol.ts";
import type { Refusal } from "../refuse-upgrade.ts";
import { serveCommand } from "../serve-command.ts";
import { servePort } from "../serve-port.ts";
import { commandOf, type Upgrade } from "../upgrade.ts";
import { serveSpdyPorts } from "../spdy/serve-spdy.ts";
import { acceptWebSocket } from "./accept-web-socket.ts";
import { ChannelConnection } from "./channel-connection.ts";
import {
  commandChannels,
  portChannels,
  readableCommandChannels,
  tunnelProtocol,
  webSocketCommandProtocols,
  webSocketPortProtocols,
} from "./protocols.ts";
import { TunnelStream } from "./tunnel-stream.ts";

/** Serves exec, attach and port-forward over WebSocket. */
export async function serveWebSocket({ request, connection, kind, serving, redeem }: Upgrade): Promise<Refusal | undefined> {
  const asked = request.headers["sec-websocket-protocol"];
  const protocols = kind === "portforward" ? webSocketPortProtocols : webSocketCommandProtocols;
  const spoken = [...Object.keys(protocols), ...(kind === "portforward" ? [tunnelProtocol] : [])];
  const protocol = protocolsIn(asked).length === 0 ? "" : negotiateProtocol(asked, spoken);
  if (protocol === undefined)
    return { status: 403, message: `unable to upgrade: this server accepts ${spoken.filter(Boolean).join(", ")}` };
  const promised = redeem();
  if ("status" in promised) return promised;
  const { backend, idleTimeoutMs } = serving;
  const ports = promised.kind === "portforward" ? promised.request.ports : [];
  const channels = protocols[protocol];
  if (promised.kind === "portforward" && channels && ports.length === 0)
    return { status: 400, message: "a port-forward by channels needs ports" };
  const socket = await acceptWebSocket(request, connection, protocol).catch(() => undefined);
  if (socket === undefined) return undefined;

  if (!channels) {
    if (promised.kind === "portforward") await serveSpdyPorts(new TunnelStream(socket), promised.request, serving);
    return undefined;
  }
  const { codec, closable, statusFormat } = channels;
  if (promised.kind === "portforward") {
    const readable = ports.flatMap(() => [true, false]);
    const open = new ChannelConnection({ socket, codec, closable, readable, idleTimeoutMs });
    const { podSandboxId } = promised.request;
    await Promise.all(
      portChannels(open.channels, ports).map((pair) =>
        servePort(pair, podSandboxId, () => backend.portForward({ podSandboxId, port: pair.port }, pair.data, open.signal)),
      ),
    );
    await open.finish();
    return undefined;
  }
  const readable = readableCommandChannels(promised.request);
  const open = new ChannelConnection({ socket, codec, closable, readable, idleTimeoutMs });
  await serveCommand(commandChannels(open.channels, promised.request, statusFormat), open, commandOf(promised, backend));
  return undefined;
}
