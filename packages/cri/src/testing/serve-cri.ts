import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CriServer, type CriServerDeps } from "../wire/cri-server.ts";
import { criClients, type CriClients } from "./cri-clients.ts";

/** A server with these handlers on a socket of its own, and clients of it. */
export interface ServedCri extends AsyncDisposable, CriClients {
  server: CriServer;
  socketPath: string;
  failures: { rpc: string; message: string; foreseen: boolean }[];
}

export async function serveCri(handlers: Partial<Pick<CriServerDeps, "runtime" | "images">>): Promise<ServedCri> {
  const folder = await mkdtemp(join(tmpdir(), "pouch-cri-"));
  const socketPath = join(folder, "cri.sock");
  const failures: ServedCri["failures"] = [];
  const server = new CriServer({
    runtime: {},
    images: {},
    ...handlers,
    reportFailure: ({ rpc, error, foreseen }) => failures.push({ rpc, message: error.message, foreseen }),
  });
  await server.listen(socketPath);
  const clients = criClients(socketPath);
  return {
    ...clients,
    server,
    socketPath,
    failures,
    [Symbol.asyncDispose]: async () => {
      clients[Symbol.dispose]();
      await server.close({ graceMilliseconds: 0 });
      await rm(folder, { recursive: true, force: true });
    },
  };
}
