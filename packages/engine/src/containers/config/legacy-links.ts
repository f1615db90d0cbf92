import { EngineError, invalidArgument } from "@pouchcontainer/errors";

/** One `--link` of a container outside user-defined networks: another container, and what this one calls it. */
export interface LegacyLink {
  id: string;
  /** Its name when the link was made, for when it is gone. */
  name: string;
  alias: string;
}

/**
 * `container`, `container:alias`, and `/container:/owner/alias` as inspect shows it. Each has to be there; of two with one
 * alias the first counts, as with dockerd.
 */
export function resolveLinks(links: readonly string[], find: (ref: string) => { id: string; name: string }): LegacyLink[] {
  const resolved: LegacyLink[] = [];
  for (const link of links) {
    const { ref, alias } = parseLink(link);
    const { id, name } = found(ref, find);
    if (alias !== "" && !resolved.some((other) => other.alias === alias)) resolved.push({ id, name, alias });
  }
  return resolved;
}

function parseLink(link: string): { ref: string; alias: string } {
  if (link === "") throw invalidArgument("empty string specified for links");
  const [target = "", alias = target, ...rest] = link.split(":");
  if (rest.length > 0) throw invalidArgument(`bad format for links: ${link}`);
  return { ref: target.replace(/^\//, ""), alias: alias.replace(/^.*\//, "") };
}

function found(ref: string, find: (ref: string) => { id: string; name: string }): { id: string; name: string } {
  try {
    return find(ref);
  } catch (cause) {
    throw invalidArgument(`could not get container for ${ref}: ${EngineError.from(cause).message}`, { cause });
  }
}
