import { StreamingServer, type StreamingBackend } from "@pouchcontainer/cri";
import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import type { Configuration } from "../config/options.ts";
import { streamTlsMaterial } from "./tls-material.ts";

/** Serves the streams of exec, attach and port-forward where the configuration says. */
export async function openStreaming(
  configuration: Configuration,
  backend: StreamingBackend,
  warn: (message: string) => void,
): Promise<StreamingServer> {
  const { "stream-server-address": host, "stream-server-port": port } = configuration;
  const tls = streamTlsMaterial(configuration, warn);
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
