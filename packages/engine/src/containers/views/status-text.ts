import { parseRfc3339 } from "../clock.ts";
import { type ContainerState, zeroTime } from "../container-record.ts";
import { humanDuration } from "./human-duration.ts";

/** The `STATUS` column of `docker ps`: `Up 5 minutes (healthy)`, `Exited (0) 2 hours ago`, `Created`… */
export function statusText(state: ContainerState, now: bigint): string {
  const since = (time: string): string => humanDuration(now - (parseRfc3339(time) ?? now));
  switch (state.status) {
    case "running": {
      const { health } = state;
      if (health === undefined) return `Up ${since(state.startedAt)}`;
      return `Up ${since(state.startedAt)} (${health.status === "starting" ? "health: starting" : health.status})`;
    }
    case "paused":
      return `Up ${since(state.startedAt)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "created":
      return "Created";
    case "exited":
      break;
  }
  // A container whose start failed never ran.
  if (state.startedAt === zeroTime && state.finishedAt === zeroTime) return "Created";
  return state.finishedAt === zeroTime ? "" : `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
}
