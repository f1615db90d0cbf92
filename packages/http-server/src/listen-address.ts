import { invalidArgument } from "@pouchcontainer/errors";

/** A Unix socket: mode 0660, group `docker` where there is one, or the group named here (which then has to exist). */
export interface UnixAddress {
  socketPath: string;
  group?: string;
}

/** What TLS on a TCP port is made of; all PEM. */
export interface TlsMaterial {
  cert: string;
  key: string;
  /** Clients have to show a certificate that this one signed. Absent: any client may connect. */
  clientCa?: string;
}

/** A TCP port. Without TLS that asks for client certificates, whoever reaches it owns the host. */
export interface TcpAddress {
  host: string;
  port: number;
  tls?: TlsMaterial;
}

export type ListenAddress = UnixAddress | TcpAddress;

/** Reads `unix:///path`, `tcp://host:port`, `/path` or `host:port`, as `--listen` has it. `group` is for Unix sockets, `tls` for TCP. */
export function parseListenAddress(text: string, group?: string, tls?: TlsMaterial): ListenAddress {
  const [, scheme = text.startsWith("/") ? "unix" : "tcp", rest = ""] = /^(?:(\w+):\/\/)?(.*)$/.exec(text) ?? [];
  if (scheme === "unix" && rest.startsWith("/")) return { socketPath: rest, ...(group === undefined ? {} : { group }) };
  const [, bracketed, plain, port = tls ? "2376" : "2375"] =
    /^(?:\[([\da-fA-F:.]+)\]|([^:[\]/]*))(?::(\d{1,5}))?$/.exec(rest) ?? [];
  const host = bracketed ?? plain;
  if (scheme === "tcp" && host !== undefined && Number(port) < 65536) {
    return { host: host || "127.0.0.1", port: Number(port), ...(tls ? { tls } : {}) };
  }
  throw invalidArgument(`cannot listen on ${JSON.stringify(text)}: write unix:///path/to/socket or tcp://host:port`);
}

/** An address as messages show it. */
export function addressText(address: ListenAddress): string {
  if ("socketPath" in address) return `unix://${address.socketPath}`;
  return `tcp://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
