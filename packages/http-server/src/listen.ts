import { alreadyExists, EngineError, forbidden, invalidArgument, notFound } from "@pouchcontainer/errors";
import { makeOpenFolders } from "@pouchcontainer/owners";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chown, lstat, readFile, unlink } from "node:fs/promises";
import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import { connect } from "node:net";
import { dirname } from "node:path";
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
    throw thrown instanceof EngineError ? thrown : listenFailure(address, thrown);
  }
}

function listenFailure(address: ListenAddress, thrown: unknown): EngineError {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  const options = { cause: thrown };
  const where = `cannot listen on ${addressText(address)}`;
  switch (code) {
    case "EADDRINUSE":
      return alreadyExists(`${where}: another program listens there`, options);
    case "EACCES":
    case "EPERM":
      return forbidden(`${where}: not allowed`, options);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return invalidArgument(`${where}: this host has no such address`, options);
    case "ENAMETOOLONG":
    case "EINVAL":
      return invalidArgument(`${where}: the path is too long for a Unix socket (107 bytes at most)`, options);
    default:
      return new EngineError("internal", `${where}: ${EngineError.from(thrown).message}`, options);
  }
}

/** Connections that may wait to be accepted: as many as the system allows (net.core.somaxconn). */
function longestBacklog(): number {
  try {
    return Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
  } catch {
    return 4096;
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
  await makeOpenFolders(dirname(socketPath));
  await removeStaleSocket(address);
  // The socket is made inside `listen`, at once: it never exists with wider rights than it will have.
  const before = process.umask(0o117);
  try {
    server.listen({ path: socketPath, backlog: longestBacklog() });
  } finally {
    process.umask(before);
  }
  await once(server, "listening");
  if (gid === undefined) return;
  await chown(socketPath, -1, gid).catch((thrown: unknown) => {
    // Without root the default group is a nicety; one that was asked for is not.
    if (address.group !== undefined) throw thrown;
  });
}

async function removeStaleSocket(address: UnixAddress): Promise<void> {
  const { socketPath } = address;
  const stat = await lstat(socketPath).catch(() => undefined);
  if (!stat) return;
  if (!stat.isSocket())
    throw alreadyExists(`cannot listen on ${addressText(address)}: there is a file that is no socket; move it away`);
  if (await answers(socketPath)) throw alreadyExists(`cannot listen on ${addressText(address)}: another program listens there`);
  await unlink(socketPath);
}

async function answers(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function groupId(group: string, groupFile: string): Promise<number | undefined> {
  if (/^\d+$/.test(group)) return Number(group);
  const text = await readFile(groupFile, "utf8").catch(() => "");
  const entry = text.split("\n").find((line) => line.startsWith(`${group}:`));
  const id = entry?.split(":")[2];
  return id === undefined ? undefined : Number(id);
}
