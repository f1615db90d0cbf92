import type { Readable } from "node:stream";
import { ChannelClient } from "./channel-client.ts";
import { openSpdyCommand } from "./spdy-command.ts";

/** A client of an exec, whatever it speaks. */
export interface CommandClient {
  write(data: Buffer): Promise<void>;
  end(): Promise<void>;
  stdout: Readable;
  status: Readable;
  /** Reads no more from its connection. */
  pause(): void;
  resume(): void;
  /** Is gone, without a word. */
  vanish(): void;
}

export const commandClients: Record<string, (url: string) => Promise<CommandClient>> = {
  SPDY: async (url) => {
    const { client, of } = await openSpdyCommand(url, ["stdin", "stdout"]);
    return {
      write: (data) => of("stdin").write(data),
      end: () => of("stdin").end(),
      stdout: of("stdout").output,
      status: of("error").output,
      pause: () => of("stdout").output.pause(),
      resume: () => of("stdout").output.resume(),
      vanish: () => client.socket.destroy(),
    };
  },
  WebSocket: async (url) => {
    const client = await ChannelClient.open(url, "v5.channel.k8s.io");
    return {
      write: (data) => client.send(0, data),
      end: () => client.send(255, Buffer.from([0])),
      stdout: client.output(1),
      status: client.output(3),
      pause: () => client.socket.pause(),
      resume: () => client.socket.resume(),
      vanish: () => client.socket.terminate(),
    };
  },
};
