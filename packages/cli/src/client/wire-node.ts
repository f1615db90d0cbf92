import { readFileSync } from "node:fs";
import net from "node:net";
import { ChunkQueue } from "./chunk-queue.ts";
import type { DialOptions, TlsFiles, Wire } from "./wire.ts";

/** A Wire over `node:net` or `node:tls`. */
export async function dialNode(options: DialOptions): Promise<Wire> {
  const socket = options.tls === undefined ? connectPlain(options) : await connectTls(options, options.tls);
  const incoming = new ChunkQueue({ pause: () => void socket.pause(), resume: () => void socket.resume() });
  socket.on("data", (chunk: Uint8Array) => incoming.push(chunk));
  socket.on("end", () => incoming.end());
  socket.on("close", () => incoming.end());
  await new Promise<void>((resolve, reject) => {
    socket.once(options.tls === undefined ? "connect" : "secureConnect", resolve);
    socket.once("error", reject);
  });
  socket.on("error", (error) => incoming.end(error));
  return {
    write: (data) =>
      new Promise((resolve, reject) => {
        socket.write(data, (error) => (error ? reject(error) : resolve()));
      }),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    [Symbol.asyncIterator]: () => incoming[Symbol.asyncIterator](),
  };
}

function connectPlain({ address }: DialOptions): net.Socket {
  return address.kind === "unix"
    ? net.connect({ path: address.path, allowHalfOpen: true })
    : net.connect({ host: address.host, port: address.port, allowHalfOpen: true });
}

async function connectTls({ address }: DialOptions, files: TlsFiles): Promise<net.Socket> {
  const { default: tls } = await import("node:tls");
  const transport = address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
  const servername = address.kind === "tcp" && net.isIP(address.host) === 0 ? { servername: address.host } : {};
  const socket = tls.connect({
    ...transport,
    ...servername,
    rejectUnauthorized: files.verify,
    ...optionalFile("ca", files.caFile),
    ...optionalFile("cert", files.certFile),
    ...optionalFile("key", files.keyFile),
  });
  socket.allowHalfOpen = true;
  return socket;
}

/** A TLS file that need not exist: a daemon that asks for no client certificate is fine without one. */
function optionalFile(name: string, path: string): Record<string, Buffer> {
  try {
    return { [name]: readFileSync(path) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {}; // readFileSync throws system errors only
    throw error;
  }
}
