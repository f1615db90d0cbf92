import { isIP } from "node:net";

/** A server queries are passed on to. */
export interface NameServer {
  address: string;
  port: number;
}

/** `9.9.9.9`, `9.9.9.9:5353`, `[::1]:5353`; undefined for what is no address. */
export function parseNameServer(text: string): NameServer | undefined {
  const [, v6, v4, portText = "53"] = /^(?:\[(.+)\]|([\d.]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = v6 ?? v4 ?? text;
  const port = Number(portText);
  return isIP(address) === 0 || port === 0 || port > 65_535 ? undefined : { address, port };
}
