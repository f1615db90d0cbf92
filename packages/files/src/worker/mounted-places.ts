/** One line of mountinfo (proc(5)). */
export interface MountedPlace {
  /** As seen from the process's root. */
  place: Buffer;
  fileSystem: string;
}

/** Mounts in the order they were made. White space and backslashes are written in octal there. */
export function parseMountInfo(text: Buffer): MountedPlace[] {
  return text
    .toString("latin1")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const place = line.split(" ")[4] ?? "";
      const [fileSystem = ""] = line.slice(line.indexOf(" - ") + 3).split(" ");
      const plain = place.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
      return { place: Buffer.from(plain, "latin1"), fileSystem };
    });
}
