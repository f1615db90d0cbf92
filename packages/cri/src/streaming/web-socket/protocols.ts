import type { WantedStreams } from "../backend.ts";
import type { CommandStreams } from "../command-streams.ts";
import type { PortStreams } from "../serve-port.ts";
import { base64Codec, binaryCodec, type ChannelCodec } from "./channel-codec.ts";
import type { ChannelStream } from "./channel-stream.ts";

/** What a subprotocol of WebSocket says about its channels. */
export interface ChannelProtocol {
  codec: ChannelCodec;
  /** Of the error channel, as `statusText` has it. */
  statusFormat: "json" | "text";
  /** The client can end a channel. */
  closable: boolean;
}

const oldest: ChannelProtocol = { codec: binaryCodec, statusFormat: "text", closable: false };

/** For exec and attach. The empty name is that of a client that asks for none. */
export const webSocketCommandProtocols: Readonly<Record<string, ChannelProtocol>> = {
  "": oldest,
  "channel.k8s.io": oldest,
  "base64.channel.k8s.io": { ...oldest, codec: base64Codec },
  "v4.channel.k8s.io": { ...oldest, statusFormat: "json" },
  "v4.base64.channel.k8s.io": { ...oldest, codec: base64Codec, statusFormat: "json" },
  "v5.channel.k8s.io": { ...oldest, statusFormat: "json", closable: true },
};

/** For port-forward by channels. */
export const webSocketPortProtocols: Readonly<Record<string, ChannelProtocol>> = {
  "": oldest,
  "v4.channel.k8s.io": oldest,
  "v4.base64.channel.k8s.io": { ...oldest, codec: base64Codec },
};

/** SPDY for port-forward inside of a WebSocket, as kubectl asks for it since 1.31. */
export const tunnelProtocol = "SPDY/3.1+portforward.k8s.io";

/** Whether channels 0 to 4 (stdin, stdout, stderr, error, resize) are read. */
export const readableCommandChannels = ({ stdin, tty }: WantedStreams): boolean[] => [stdin, false, false, false, tty];

/** Names the channels of an exec or attach, and says by an empty message that they are there. */
export function commandChannels(
  [stdin, stdout, stderr, error, resize]: readonly ChannelStream[],
  wanted: WantedStreams,
  statusFormat: "json" | "text",
): CommandStreams {
  // A connection for commands has five channels.
  if (!stdin || !stdout || !stderr || !error || !resize) throw new TypeError("five channels expected");
  const first = wanted.stdout ? stdout : wanted.stderr ? stderr : error;
  first.write(Buffer.alloc(0));
  return {
    ...(wanted.stdin ? { stdin } : {}),
    ...(wanted.stdout ? { stdout } : {}),
    ...(wanted.stderr ? { stderr } : {}),
    ...(wanted.tty ? { resize } : {}),
    error,
    statusFormat,
  };
}

/** Two channels for every port; each begins with the port it is for, two bytes, the lower one first. */
export function portChannels(channels: readonly ChannelStream[], ports: readonly number[]): PortStreams[] {
  return ports.flatMap((port, index) => {
    const [data, error] = channels.slice(2 * index, 2 * index + 2);
    if (!data || !error) return [];
    const number = Buffer.from([port & 0xff, port >> 8]);
    data.write(number);
    error.write(number);
    return [{ port, data, error }];
  });
}
