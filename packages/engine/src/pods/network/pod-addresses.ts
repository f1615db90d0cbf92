import { internal } from "@pouchcontainer/errors";
import { isIP } from "node:net";
import type { CniResult } from "../../networks/cni/cni-config.ts";
import { podInterface } from "./pod-target.ts";

/** A pod's addresses, without their prefixes, those of IPv4 first: the first of all is the pod's. A pod without one is no use to anybody. */
export function podAddresses({ ips = [], interfaces = [] }: CniResult): string[] {
  const own = ips.filter(({ interface: index }) => {
    // One that names no interface is the pod's (specification, "Success", `ips`).
    const place = index === undefined ? undefined : interfaces[index];
    return place === undefined || (place.name === podInterface && (place.sandbox ?? "") !== "");
  });
  const addresses = own.map(({ address }) => address.split("/")[0] ?? "").filter((address) => isIP(address) !== 0);
  if (addresses.length === 0) throw internal(`the CNI plugins gave the pod no address on ${podInterface}`);
  return [...addresses.filter((address) => isIP(address) === 4), ...addresses.filter((address) => isIP(address) === 6)];
}
