import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Places of mounts in a folder, the latest first. mountinfo writes white space and backslashes in octal. */
export function mountsBelow(mountInfo: string, folder: string): string[] {
  return mountPlaces(mountInfo).filter((place) => place.startsWith(`${folder}/`));
}

/** The same with a mount on the folder itself. */
export function mountsAtOrBelow(mountInfo: string, folder: string): string[] {
  return mountPlaces(mountInfo).filter((place) => place === folder || place.startsWith(`${folder}/`));
}

/** A path as mountinfo has it: through links on the way to it; itself, it may be a link. */
export async function asTheKernelNames(path: string): Promise<string> {
  return join(await realpath(dirname(path)), basename(path));
}

function mountPlaces(mountInfo: string): string[] {
  return mountInfo
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    )
    .reverse();
}
