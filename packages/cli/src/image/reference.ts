import { CliError } from "../cli-error.ts";

/** The parts of an image's name that the command line needs. */
export interface ImageName {
  /** Without tag and digest, as typed. */
  repository: string;
  tag: string | undefined;
  digest: string | undefined;
  /** Host of the registry, `docker.io` when none is named. */
  registry: string;
}

/** Splits `host:5000/team/app:1.0@sha256:…`. */
export function parseImageName(given: string): ImageName {
  const at = given.indexOf("@");
  const digest = at === -1 ? undefined : given.slice(at + 1);
  const name = at === -1 ? given : given.slice(0, at);
  const colon = name.lastIndexOf(":");
  const hasTag = colon > name.lastIndexOf("/");
  const repository = hasTag ? name.slice(0, colon) : name;
  const [first = "", ...rest] = repository.split("/");
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return { repository, tag: hasTag ? name.slice(colon + 1) : undefined, digest, registry: hasHost ? first : "docker.io" };
}

/** What names an image that is to be made; nothing of one that gets no name. */
export function nameQuery(given: string | undefined): { repo?: string; tag?: string | undefined } {
  if (given === undefined) return {};
  const { repository, tag, digest } = parseImageName(given);
  if (digest !== undefined) throw new CliError("cannot give an image a name with a digest");
  return { repo: repository, tag };
}

/** The name with everything that was left out: `busybox` → `docker.io/library/busybox:latest`. */
export function completeName(name: ImageName): string {
  const path =
    name.registry === "docker.io" && !name.repository.startsWith("docker.io/")
      ? `docker.io/${name.repository.includes("/") ? "" : "library/"}${name.repository}`
      : name.repository;
  if (name.digest !== undefined) return `${path}@${name.digest}`;
  return `${path}:${name.tag ?? "latest"}`;
}
