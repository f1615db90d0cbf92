import { invalidArgument } from "@pouchcontainer/errors";
import { whereLinksLead } from "../where-links-lead.ts";
import type { MountRequest } from "./mount-spec.ts";

/** Where the daemon keeps what it mounts for containers. */
export interface OwnFolders {
  home: string;
  exec: string;
}

/**
 * A bind that shows a container the daemon's own folders shows it other containers' mounts, which it must not hold on to when they
 * are taken down: unless asked otherwise it is a slave of the host's. As dockerd, which refuses what would hold them. What must be
 * read-only with everything below it is no slave: what is mounted there later would come in writable; of this boot's folder it holds
 * what is there. Links are followed.
 */
export async function adaptToOwnFolders(requests: readonly MountRequest[], folders: OwnFolders): Promise<MountRequest[]> {
  const places = { home: await whereLinksLead(folders.home), exec: await whereLinksLead(folders.exec) };
  const adapted: MountRequest[] = [];
  // One after the other: a look at a file system that does not answer holds a thread.
  for (const request of requests) adapted.push(await adapt(request, folders, places));
  return adapted;
}

async function adapt(request: MountRequest, { home }: OwnFolders, places: OwnFolders): Promise<MountRequest> {
  const { type, source, destination, spec } = request;
  if (type !== "bind") return request;
  const { Propagation: asked = "", ReadOnlyForceRecursive: forcesReadOnly = false } = spec.BindOptions ?? {};
  if (asked === "rslave" || asked === "rshared") return request;
  const place = await whereLinksLead(source);
  const showsHome = overlap(place, places.home);
  if (forcesReadOnly && asked === "" && showsHome)
    throw invalidArgument(
      `invalid mount config: ${source} cannot be mounted at ${destination} read-only with everything below it, since it shows the ` +
        `daemon root "${home}", where other containers' mounts come and go: ask for a read-only mount that is not recursive`,
    );
  if (asked === "") {
    const shown = showsHome || overlap(place, places.exec);
    return shown && !forcesReadOnly ? { ...request, propagation: "rslave" } : request;
  }
  if (!showsHome) return request;
  throw invalidArgument(
    `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, ` +
      `daemon root: "${home}", bind mount source: "${source}", propagation: "${asked}"`,
  );
}

/** One is the other, or lies in it. */
const overlap = (one: string, other: string): boolean => holds(one, other) || holds(other, one);

const holds = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
