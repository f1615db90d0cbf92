import { invalidArgument } from "@pouchcontainer/errors";
import type { MountRequest } from "./mount-spec.ts";

/** Where the daemon keeps what it mounts for containers. */
export interface OwnFolders {
  home: string;
  exec: string;
}

/**
 * A bind that shows a container the daemon's own folders shows it other containers' mounts, which it must not hold on to when they
 * are taken down: unless asked otherwise it is a slave of the host's. As dockerd, which refuses what would hold them.
 */
export function adaptToOwnFolders(request: MountRequest, { home, exec }: OwnFolders): MountRequest {
  const { type, source, spec } = request;
  if (type !== "bind") return request;
  const asked = spec.BindOptions?.Propagation ?? "";
  if (asked === "") return overlap(source, home) || overlap(source, exec) ? { ...request, propagation: "rslave" } : request;
  if (asked === "rslave" || asked === "rshared" || !overlap(source, home)) return request;
  throw invalidArgument(
    `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, ` +
      `daemon root: "${home}", bind mount source: "${source}", propagation: "${asked}"`,
  );
}

/** One is the other, or lies in it. */
const overlap = (one: string, other: string): boolean => holds(one, other) || holds(other, one);

const holds = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
