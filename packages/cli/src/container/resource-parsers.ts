import type { DeviceMapping, DeviceRequest, RestartPolicy, ThrottleDevice, Ulimit, WeightDevice } from "@pouchcontainer/api";
import { BadFlagValue } from "../flags/flag-types.ts";
import { parseBytes } from "../flags/value-parsers.ts";
import { csvFields } from "./mounts.ts";

const ulimitNames = "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" ");

/** `nofile=1024:2048`; -1 is unlimited. */
export function parseUlimit(given: string): Ulimit {
  const match = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(given);
  const name = match?.[1] ?? "";
  if (match === null)
    throw new BadFlagValue(given, `invalid ulimit argument: ${given}: write name=soft[:hard], for example nofile=1024:2048`);
  if (!ulimitNames.includes(name))
    throw new BadFlagValue(given, `invalid ulimit type: ${name}: ${ulimitNames.join(", ")} are known`);
  const soft = Number(match[2]);
  const hard = Number(match[3] ?? match[2]);
  if (hard !== -1 && (soft === -1 || soft > hard))
    throw new BadFlagValue(given, `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  return { Name: name, Soft: soft, Hard: hard };
}

/** `/dev/x[:/dev/y][:rwm]`. A name without a leading slash and with `=` is a CDI device. */
export function parseDevice(given: string): DeviceMapping {
  const [host = "", second, third, ...more] = given.split(":");
  const permissions = (text: string | undefined): boolean => text !== undefined && /^[rwm]{1,3}$/.test(text);
  if (host === "" || more.length > 0)
    throw new BadFlagValue(given, `invalid device specification: ${given}: write /dev/host[:/dev/container][:rwm]`);
  if (third !== undefined && !permissions(third))
    throw new BadFlagValue(given, `invalid device mode: ${third}: a choice of r, w, m`);
  const onlyMode = third === undefined && permissions(second);
  return {
    PathOnHost: host,
    PathInContainer: onlyMode || second === undefined || second === "" ? host : second,
    CgroupPermissions: third ?? (onlyMode ? (second ?? "rwm") : "rwm"),
  };
}

/** Whether a device is named the CDI way (`vendor.com/class=name`). */
export const isCdiDevice = (given: string): boolean => /^[\w.-]+\/[\w.-]+=[\w.:-]+$/.test(given);

export function parseWeightDevice(given: string): WeightDevice {
  const [path, weight] = splitDevice(given, "weight");
  const value = Number(weight);
  if (!/^\d+$/.test(weight) || (value > 0 && (value < 10 || value > 1000)))
    throw new BadFlagValue(given, `invalid weight for device: ${given}: between 10 and 1000`);
  return { Path: path, Weight: value };
}

/** `/dev/sda:1mb`: bytes a second. */
export function parseByteRate(given: string): ThrottleDevice {
  const [path, rate] = splitDevice(given, "rate");
  return { Path: path, Rate: parseBytes(rate) };
}

/** `/dev/sda:100`: operations a second. */
export function parseOperationRate(given: string): ThrottleDevice {
  const [path, rate] = splitDevice(given, "rate");
  if (!/^\d+$/.test(rate))
    throw new BadFlagValue(given, `invalid rate for device: ${given}: write <device-path>:<number>, a positive whole number`);
  return { Path: path, Rate: Number(rate) };
}

function splitDevice(given: string, what: string): [string, string] {
  const colon = given.lastIndexOf(":");
  const path = given.slice(0, Math.max(colon, 0));
  if (!path.startsWith("/dev/")) throw new BadFlagValue(given, `bad format: ${given}: write /dev/name:${what}`);
  return [path, given.slice(colon + 1)];
}

/** `c 13:* rwm`. */
export function parseDeviceRule(given: string): string {
  if (!/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(given))
    throw new BadFlagValue(given, `invalid device cgroup format '${given}': write something like 'c 13:* rwm'`);
  return given;
}

const restartNames = ["no", "always", "unless-stopped", "on-failure"];

/** `on-failure:5`, `always`… */
export function parseRestart(given: string): RestartPolicy {
  const [name = "", count, ...more] = given.split(":");
  if (more.length > 0 || !restartNames.includes(name))
    throw new BadFlagValue(
      given,
      `invalid restart policy: write one of ${restartNames.join(", ")}, on-failure with an optional :count`,
    );
  if (count !== undefined && (name !== "on-failure" || !/^\d+$/.test(count))) {
    throw new BadFlagValue(given, "maximum retry count must be a whole number and goes with on-failure only");
  }
  return { Name: name, MaximumRetryCount: Number(count ?? 0) };
}

/** `all`, `2`, `device=0,1`, `count=2,capabilities=utility`. */
export function parseGpus(given: string): DeviceRequest {
  const request: DeviceRequest = { Driver: "", Count: 0, Capabilities: [["gpu"]] };
  for (const field of csvFields(given)) {
    const [key, value] = field.includes("=")
      ? [field.slice(0, field.indexOf("=")), field.slice(field.indexOf("=") + 1)]
      : ["count", field];
    if (key === "count") {
      if (value !== "all" && !/^\d+$/.test(value))
        throw new BadFlagValue(given, `count must be an integer or "all", got ${value}`);
      request.Count = value === "all" ? -1 : Number(value);
    } else if (key === "device") request.DeviceIDs = value.split(",");
    else if (key === "driver") request.Driver = value;
    else if (key === "capabilities") request.Capabilities = [["gpu", ...value.split(",")]];
    else throw new BadFlagValue(given, `unexpected key '${key}' in '${field}'`);
  }
  if (request.Count === 0 && request.DeviceIDs === undefined) request.Count = 1;
  return request;
}
