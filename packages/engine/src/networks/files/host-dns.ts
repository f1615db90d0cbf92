import { readFileSync } from "node:fs";
import { parseResolvConf, type ResolvConf } from "./resolv-conf.ts";

const stub = "127.0.0.53";

/**
 * The host's name servers. Where systemd-resolved puts its stub into /etc/resolv.conf, the list it forwards to is taken
 * instead: the stub listens on the host's loopback only.
 */
export function readHostResolvConf(root: string): ResolvConf & { text: string } {
  const text = read(`${root}/etc/resolv.conf`) ?? "";
  const conf = parseResolvConf(text);
  if (conf.nameservers.length === 1 && conf.nameservers[0] === stub) {
    const upstream = read(`${root}/run/systemd/resolve/resolv.conf`);
    if (upstream !== undefined) return { ...parseResolvConf(upstream), text: upstream };
  }
  return { ...conf, text };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
