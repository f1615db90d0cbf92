import { text } from "node:stream/consumers";
import type { ClientStream } from "./spdy-client.ts";
import { SpdyClient } from "./spdy-client.ts";

/** A client's side of an exec or attach over SPDY, with the streams named. */
export async function openSpdyCommand(url: string, kinds: readonly string[], protocol = "v4.channel.k8s.io") {
  const client = await SpdyClient.open(url, protocol);
  const streams = new Map<string, ClientStream>();
  // All are under way before the first is answered, as by clients in a hurry.
  for (const kind of ["error", ...kinds]) streams.set(kind, await client.make({ streamType: kind }));
  await Promise.all([...streams.values()].map((stream) => stream.replied.promise));
  const of = (kind: string): ClientStream => {
    const stream = streams.get(kind);
    if (!stream) throw new Error(`no stream ${kind}`);
    return stream;
  };
  return { client, of, said: (kind: string) => text(of(kind).output) };
}
