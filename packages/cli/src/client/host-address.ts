import { CliError } from "../cli-error.ts";

/** Where a daemon listens. */
export type HostAddress =
  { kind: "unix"; path: string; text: string } | { kind: "tcp"; host: string; port: number; text: string };

/** Reads `unix:///run/x.sock`, `tcp://host:2375`, `http(s)://host:port`, `/run/x.sock`, `host:2375`. */
export function parseHost(text: string): HostAddress {
  if (text.startsWith("unix://")) return { kind: "unix", path: text.slice("unix://".length), text };
  if (text.startsWith("/")) return { kind: "unix", path: text, text: `unix://${text}` };
  const match = /^(?:(tcp|https?):\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]+))(?::(\d+))?\/?$/.exec(text);
  const host = match?.[2] ?? match?.[3];
  if (match === null || host === undefined) {
    throw new CliError(`invalid host "${text}": write unix:///path/to/socket or tcp://host:port`);
  }
  const port = Number(match[4] ?? 2375);
  return { kind: "tcp", host, port, text: text.includes("://") ? text : `tcp://${text}` };
}
