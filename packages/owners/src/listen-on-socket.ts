import { alreadyExists, EngineError, forbidden, invalidArgument } from "@pouchcontainer/errors";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { lstat, rm } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { makeOpenFolders } from "./make-folders.ts";

/**
 * Makes a server listen on a Unix socket with this mode, as long as no other program does; missing folders above it are made for
 * everyone to look into. A socket nobody listens on is replaced. Errors are kinds whose message names the address.
 */
export async function listenOnSocket(server: Server, socketPath: string, { mode }: { mode: number }): Promise<void> {
  try {
    await makeOpenFolders(dirname(socketPath));
    await removeStaleSocket(socketPath);
    // The socket is made inside `listen`, at once: it never exists with wider rights than it will have.
    const before = process.umask(0o777 & ~mode);
    try {
      server.listen({ path: socketPath, backlog: longestBacklog() });
    } finally {
      process.umask(before);
    }
    await once(server, "listening");
  } catch (thrown) {
    server.close();
    throw listenFailure(`unix://${socketPath}`, thrown);
  }
}

/** What kept a server from listening at an address, in words that name it. */
export function listenFailure(address: string, thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  const options = { cause: thrown };
  const where = `cannot listen on ${address}`;
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
export function longestBacklog(): number {
  try {
    return Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
  } catch {
    return 4096;
  }
}

async function removeStaleSocket(socketPath: string): Promise<void> {
  const stat = await lstat(socketPath).catch(() => undefined);
  if (!stat) return;
  const where = `cannot listen on unix://${socketPath}`;
  if (!stat.isSocket()) throw alreadyExists(`${where}: there is a file that is no socket; move it away`);
  if (await answers(socketPath)) throw alreadyExists(`${where}: another program listens there`);
  await rm(socketPath, { force: true });
}

/** A look whether anybody listens; `once` hears both answers. One that is too busy to take a connection (EAGAIN) is somebody. */
async function answers(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, "connect");
    return true;
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    return code !== "ECONNREFUSED" && code !== "ENOENT";
  } finally {
    socket.destroy();
  }
}
