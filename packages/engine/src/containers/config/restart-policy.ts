import type { HostConfig, RestartPolicy } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";

/** Whether the daemon never starts the container again by itself. */
export function isNoRestart(policy: RestartPolicy | undefined): boolean {
  return (policy?.Name ?? "") === "" || policy?.Name === "no";
}

/** Checks a restart policy and what contradicts it. */
export function verifyRestartPolicy(policy: RestartPolicy | undefined, autoRemove: HostConfig["AutoRemove"]): void {
  const { Name = "", MaximumRetryCount = 0 } = policy ?? {};
  switch (Name) {
    case "always":
    case "unless-stopped":
    case "no":
      if (MaximumRetryCount !== 0) throw invalidArgument(`maximum retry count cannot be used with restart policy '${Name}'`);
      break;
    case "on-failure":
      if (MaximumRetryCount < 0) throw invalidArgument("maximum retry count cannot be negative");
      break;
    case "":
      break;
    default:
      throw invalidArgument(`invalid restart policy '${Name}'`);
  }
  if (autoRemove && !isNoRestart(policy)) throw invalidArgument("can't create 'AutoRemove' container with restart policy");
}
