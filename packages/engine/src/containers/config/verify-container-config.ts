import type { ContainerConfig, HealthConfig } from "@pouchcontainer/api";
import { invalidArgument, notImplemented } from "@pouchcontainer/errors";
import { parseSignal } from "../../signals.ts";

const millisecond = 1_000_000;
/** Bytes, `__NEW_UTS_LEN`. */
const maxHostname = 64;

/** Refuses what dockerd refuses of the part of a create request that does not depend on the host. */
export function verifyContainerConfig(config: ContainerConfig): void {
  const { WorkingDir = "", StopSignal = "", Env = [], Hostname = "" } = config;
  if (WorkingDir !== "" && !WorkingDir.startsWith("/"))
    throw invalidArgument(`the working directory '${WorkingDir}' is invalid, it needs to be an absolute path`);
  if (StopSignal !== "") parseSignal(StopSignal);
  for (const entry of Env) verifyVariable(entry);
  if (Buffer.byteLength(Hostname) > maxHostname)
    throw invalidArgument(`Hostname has ${Buffer.byteLength(Hostname)} bytes; the kernel takes at most ${maxHostname}`);
  if (config.Healthcheck !== undefined) verifyHealthcheck(config.Healthcheck);
  refuseUnbuiltFields(config);
}

/** Refuses a variable without a name. */
export function verifyVariable(entry: string): void {
  if (entry === "" || entry.startsWith("=")) throw invalidArgument(`invalid environment variable: ${entry}`);
}

function verifyHealthcheck(check: HealthConfig): void {
  const durations = ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const;
  for (const name of durations) {
    const value = check[name] ?? 0;
    if (value !== 0 && value < millisecond) throw invalidArgument(`${name} in Healthcheck cannot be less than 1ms`);
  }
  if ((check.Retries ?? 0) < 0) throw invalidArgument("Retries in Healthcheck cannot be negative");
}

/** PouchContainer's fields that change how a container works and have nothing behind them: silently ignoring them would be a lie. */
function refuseUnbuiltFields(config: ContainerConfig): void {
  if (config.Rich || config.RichMode) throw notImplemented("rich containers (Rich, RichMode) are not supported");
  if (config.InitScript) throw notImplemented("InitScript is not supported");
  if (config.DiskQuota !== undefined && Object.keys(config.DiskQuota).length > 0)
    throw notImplemented("DiskQuota is not supported");
  if (config.QuotaId) throw notImplemented("QuotaId is not supported");
  if (config.NetPriority) throw notImplemented("NetPriority is not supported");
}
