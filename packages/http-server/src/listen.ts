import { notFound } from "@pouchcontainer/errors";
import { listenFailure, listenOnSocket, longestBacklog } from "@pouchcontainer/owners";
import { once } from "node:events";
import { chown, readFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import { addressText, type ListenAddress, type TcpAddress, type UnixAddress } from "./listen-address.ts";

/** Group of the socket where none is named; it need not exist. */
const defaultGroup = "docker";

/** Makes a server listen; the failure says which address and why. */
export async function listen(server: Server | TlsServer, address: ListenAddress, groupFile: string): Promise<void> {
  try {
    if ("socketPath" in address) await listenUnix(server, address, groupFile);
    else await listenTcp(server, address);
  } catch (thrown) {
    server.close();
    throw listenFailure(addressText(address), thrown);
  }
}

async function listenTcp(server: Server | TlsServer, { host, port }: TcpAddress): Promise<void> {
  server.listen({ host, port, backlog: longestBacklog() });
  await once(server, "listening");
}

async function listenUnix(server: Server | TlsServer, address: UnixAddress, groupFile: string): Promise<void> {
  const { socketPath } = address;
  const gid = await groupId(address.group ?? defaultGroup, groupFile);
  if (gid === undefined && address.group !== undefined)
    throw notFound(`cannot listen on ${addressText(address)}: there is no group ${address.group}`);
  // The group of the socket has to get to it.
  await listenOnSocket(server, socketPath, { mode: 0o660 });
  if (gid === undefined) return;
  await chown(socketPath, -1, gid).catch((thrown: unknown) => {
    // Without root the default group is a nicety; one that was asked for is not.
    if (address.group !== undefined) throw thrown;
  });
}

async function groupId(group: string, groupFile: string): Promise<number | undefined> {
  if (/^\d+$/.test(group)) return Number(group);
  const text = await readFile(groupFile, "utf8").catch(() => "");
  const entry = text.split("\n").find((line) => line.startsWith(`${group}:`));
  const id = entry?.split(":")[2];
  return id === undefined ? undefined : Number(id);
}
