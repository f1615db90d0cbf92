import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Subnets of tests that run side by side are told apart by their process: 10.160 to 10.199, of which nobody else takes any. */
const subnets = 40 * 256;
let taken = 0;

/** A network for pods that is nobody else's: its lists in `folder`, its addresses noted there too. */
export interface PodNetwork {
  folder: string;
  bridge: string;
  /** IPv4 addresses of pods begin like this, `10.160.7.`. */
  prefix: string;
  /** Addresses that are held. */
  held(): string[];
}

export function makePodNetwork(directory: string, bridge: string, more: object[] = []): PodNetwork {
  const folder = join(directory, "cni");
  const dataDir = join(directory, "ipam");
  mkdirSync(folder, { recursive: true });
  const number = (process.pid * 7 + taken++) % subnets;
  const [second, third] = [160 + Math.floor(number / 256), number % 256];
  const ranges = [[{ subnet: `10.${second}.${third}.0/24` }], [{ subnet: `fd00:${second}:${third}::/64` }]];
  const routes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];
  const plugins = [
    {
      type: "bridge",
      bridge,
      isGateway: true,
      ipMasq: false,
      hairpinMode: true,
      ipam: { type: "host-local", dataDir, ranges, routes },
    },
    { type: "portmap", capabilities: { portMappings: true }, snat: true },
    { type: "bandwidth", capabilities: { bandwidth: true } },
    ...more,
  ];
  writeFileSync(join(folder, "10-pods.conflist"), JSON.stringify({ cniVersion: "1.0.0", name: bridge, plugins }));
  return {
    folder,
    bridge,
    prefix: `10.${second}.${third}.`,
    held: () => list(join(dataDir, bridge)).filter((name) => !/^(last_reserved_ip|lock)/.test(name)),
  };
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
