import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freeSubnet, type Subnet } from "./free-subnet.ts";

/** A network for pods that is nobody else's: its lists in `folder`, its addresses noted there too. */
export interface PodNetwork {
  folder: string;
  bridge: string;
  subnet: Subnet;
  /** Addresses that are held. */
  held(): string[];
}

export function makePodNetwork(directory: string, bridge: string, more: object[] = []): PodNetwork {
  const folder = join(directory, "cni");
  const dataDir = join(directory, "ipam");
  mkdirSync(folder, { recursive: true });
  const subnet = freeSubnet();
  const ranges = [[{ subnet: subnet.cidr }], [{ subnet: subnet.cidr6 }]];
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
    subnet,
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
