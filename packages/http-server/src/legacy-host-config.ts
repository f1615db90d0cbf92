import { HostConfig } from "@pouchcontainer/api";

/** Limits that stood beside the image's name before they had their place in `HostConfig`, and count where that says nothing. */
const atTheTop = ["Memory", "MemorySwap", "CpuShares", "CpusetCpus", "VolumeDriver"];

/**
 * A create body as clients wrote it before `HostConfig` was all there is: its fields at the top. Without a `HostConfig` they are
 * it; beside one a few limits of them still count. `Cpuset` is the oldest name of `CpusetCpus`.
 */
export function withLegacyHostConfig(body: unknown): unknown {
  const host = legacyHostConfig(body);
  // What is no object has no `HostConfig` either.
  return host === undefined ? body : { ...(body as object), HostConfig: host };
}

/** The `HostConfig` such a body has; undefined when it says nothing of one. */
export function legacyHostConfig(body: unknown): Record<string, unknown> | undefined {
  if (!isObject(body)) return undefined;
  const { Cpuset: cpuset, HostConfig: given } = body;
  const known = Object.keys(HostConfig.properties);
  const host: Record<string, unknown> = isObject(given) ? { ...given } : pick(body, known);
  if (isObject(given)) for (const [name, value] of Object.entries(pick(body, atTheTop))) if (!host[name]) host[name] = value;
  if (cpuset !== undefined && !host["CpusetCpus"]) host["CpusetCpus"] = cpuset;
  return Object.keys(host).length === 0 ? undefined : host;
}

function pick(object: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => object[name] !== undefined).map((name) => [name, object[name]]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
