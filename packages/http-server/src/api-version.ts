import { apiVersions } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";

const versioned = /^\/v([0-9.]+)(?=\/)/;

/** The version a request's path asks for; undefined when it names none. */
export function requestedVersion(url: string): string | undefined {
  // "v" first: the regular expression is spared for most paths.
  return url.charCodeAt(1) === 118 ? versioned.exec(url)?.[1] : undefined;
}

/** The version to answer in: the one the path asks for, else the newest. */
export function apiVersionOf(request: { url?: string | undefined }): string {
  return requestedVersion(request.url ?? "") ?? apiVersions.maximum;
}

/** Path and query without the version prefix. */
export function withoutVersion(url: string): string {
  const version = requestedVersion(url);
  return version === undefined ? url : url.slice(version.length + 2);
}

/** Whether version `a` is lower than `b`: by number, so 1.9 is lower than 1.24. */
export function isBelow(a: string, b: string): boolean {
  const [one, other] = [a.split(".").map(Number), b.split(".").map(Number)];
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    const difference = (one[i] ?? 0) - (other[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Throws with Docker's words when the version is outside what the server speaks. */
export function checkVersion(version: string): void {
  const { minimum, maximum } = apiVersions;
  if (isBelow(version, minimum)) {
    throw invalidArgument(
      `client version ${version} is too old. Minimum supported API version is ${minimum}, please upgrade your client to a newer version`,
    );
  }
  if (isBelow(maximum, version)) {
    throw invalidArgument(`client version ${version} is too new. Maximum supported API version is ${maximum}`);
  }
}
