import { createClient, type Client } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { connect } from "node:net";
import { ImageService, RuntimeService } from "../gen/runtime_v1_pb.ts";
import { serviceOf, type ApiVersion } from "../wire/services.ts";

/** Clients of one socket, as the kubelet has them, over one connection. */
export interface CriClients extends Disposable {
  runtime(version?: ApiVersion): Client<typeof RuntimeService>;
  images(version?: ApiVersion): Client<typeof ImageService>;
}

export function criClients(socketPath: string): CriClients {
  const session = new Http2SessionManager("http://localhost", undefined, {
    createConnection: () => connect(socketPath),
    // Room for a message that is too long.
    maxSessionMemory: 256,
  });
  const transport = createGrpcTransport({ baseUrl: "http://localhost", sessionManager: session });
  return {
    runtime: (version = "v1") => createClient(serviceOf(RuntimeService, version), transport),
    images: (version = "v1") => createClient(serviceOf(ImageService, version), transport),
    [Symbol.dispose]: () => session.abort(),
  };
}
