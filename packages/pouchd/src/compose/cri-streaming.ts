import { StreamingServer, type StreamingBackend } from "@pouchcontainer/cri";
import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import type { Configuration } from "../config/options.ts";
import { streamTlsMaterial } from "./tls-material.ts";

/** Refuses at the start what would be refused at its end, and says what is open to others. */
export function checkStreaming(configuration: Configuration, warn: (message: string) => void): void {
  if (!configuration["enable-cri"]) return;
  const host = configuration["stream-server-address"];
  const tls = streamTlsMaterial(configuration, warn);
  if (!tls && !isLoopback(host))
    warn(`--stream-server-address: streams of containers pass ${host} without TLS: give --stream-tlscert and --stream-tlskey`);
}

const isLoopback = (host: string): boolean => host === "::1" || host.startsWith("127.");

/** Serves the streams of exec, attach and port-forward where the configuration says. */
export async function openStreaming(configuration: Configuration, backend: StreamingBackend): Promise<StreamingServer> {
  const { "stream-server-address": host, "stream-server-port": port } = configuration;
  const tls = streamTlsMaterial(configuration);
  const server = new StreamingServer({ backend, host, port, ...(tls && { tls }) });
  try {
    await server.start();
  } catch (error) {
    throw invalidArgument(
      `--stream-server-address, --stream-server-port: cannot listen on ${host}:${port}: ${messageChain(error)}`,
      {
        cause: error,
      },
    );
  }
  return server;
}
