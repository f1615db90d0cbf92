import type { LinkChange } from "./linux/link-changes.ts";
import type { EndpointAddress, EndpointRecord } from "./sandbox-record.ts";

/** The endpoint the default route of a family goes through: highest priority, then the network's name. */
export function gatewayEndpoint(endpoints: EndpointRecord[], family: "ipv4" | "ipv6"): EndpointRecord | undefined {
  return endpoints.filter((endpoint) => !endpoint.internal && leadsOut(endpoint[family])).sort(byRank)[0];
}

/** Docker's order: priority first, then names as bytes. */
export function byRank(a: EndpointRecord, b: EndpointRecord): number {
  return b.priority - a.priority || (a.networkName < b.networkName ? -1 : 1);
}

/** What puts both default routes in place. */
export function defaultRouteChanges(endpoints: EndpointRecord[]): LinkChange[] {
  return (["ipv4", "ipv6"] as const).flatMap((family): LinkChange[] => {
    const endpoint = gatewayEndpoint(endpoints, family);
    const address = endpoint?.[family];
    if (!endpoint || !address) return [];
    const { gateway } = address;
    const via = address.onDevice === true || gateway === undefined ? {} : { gateway };
    return [{ do: "default route", device: endpoint.interfaceName, family: family === "ipv4" ? 4 : 6, ...via }];
  });
}

function leadsOut(address: EndpointAddress | undefined): boolean {
  return address !== undefined && (address.gateway !== undefined || address.onDevice === true);
}
