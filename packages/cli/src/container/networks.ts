import type { EndpointSettings } from "@pouchcontainer/api";
import { BadFlagValue } from "../flags/flag-types.ts";
import { csvFields } from "./mounts.ts";

export interface NetworkFlag {
  name: string;
  endpoint: EndpointSettings;
}

/** `--network mynet` or `--network name=mynet,alias=web,ip=10.0.0.5,driver-opt=k=v,gw-priority=1`. */
export function parseNetworkFlag(given: string): NetworkFlag {
  const flag: NetworkFlag = { name: "", endpoint: {} };
  if (!/^[^,]+=/.test(given) || given.startsWith("container:")) return { name: given, endpoint: {} };
  for (const field of csvFields(given)) {
    const equals = field.indexOf("=");
    const key = field.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    const value = field.slice(equals + 1).trim();
    applyField(flag, key, value, field, given);
  }
  if (flag.name === "") throw new BadFlagValue(given, "network name/id is not specified: write name=<network>,…");
  return flag;
}

function applyField(flag: NetworkFlag, key: string, value: string, field: string, given: string): void {
  const { endpoint } = flag;
  switch (key) {
    case "name":
      flag.name = value;
      return;
    case "alias":
      endpoint.Aliases = [...(endpoint.Aliases ?? []), value];
      return;
    case "ip":
      endpoint.IPAMConfig = { ...endpoint.IPAMConfig, IPv4Address: value };
      return;
    case "ip6":
      endpoint.IPAMConfig = { ...endpoint.IPAMConfig, IPv6Address: value };
      return;
    case "link-local-ip":
      endpoint.IPAMConfig = { ...endpoint.IPAMConfig, LinkLocalIPs: [...(endpoint.IPAMConfig?.LinkLocalIPs ?? []), value] };
      return;
    case "mac-address":
      endpoint.MacAddress = value;
      return;
    case "driver-opt": {
      const equals = value.indexOf("=");
      if (equals < 1)
        throw new BadFlagValue(given, "invalid key value pair format in driver options: write driver-opt=key=value");
      endpoint.DriverOpts = { ...endpoint.DriverOpts, [value.slice(0, equals)]: value.slice(equals + 1) };
      return;
    }
    case "gw-priority":
      if (!/^[+-]?\d+$/.test(value)) throw new BadFlagValue(given, `invalid gw-priority: ${value}: a whole number`);
      endpoint.GwPriority = Number(value);
      return;
    default:
      throw new BadFlagValue(given, key === "" ? `invalid field ${field}: write key=value` : `invalid field key ${key}`);
  }
}
