import { invalidArgument } from "@pouchcontainer/errors";

/** Highest demand of the binds so far, which `linux.rootfsPropagation` has to meet. */
export type RootfsPropagation = "" | "rslave" | "shared";

/** A bind's source as it was written, and where its links lead. */
export interface BindSource {
  source: string;
  place: string;
}

/**
 * What a bind's propagation asks of the root file system, after checking that its source can do it: only a mount that is
 * itself shared (or a slave) on the host passes anything on.
 */
export function rootfsPropagationFor(
  propagation: string,
  { source, place }: BindSource,
  mountInfo: () => string,
): RootfsPropagation {
  switch (propagation) {
    case "shared":
    case "rshared": {
      const mount = mountOf(place, mountInfo());
      if (!mount.optional.includes("shared:"))
        throw invalidArgument(`path ${source} is mounted on ${mount.point} but it is not a shared mount`);
      return "shared";
    }
    case "slave":
    case "rslave": {
      const mount = mountOf(place, mountInfo());
      if (!canHaveSlaves(mount))
        throw invalidArgument(`path ${source} is mounted on ${mount.point} but it is not a shared or slave mount`);
      return "rslave";
    }
    default:
      return "";
  }
}

/** Whether a path lies on a mount that passes on to slaves what is mounted there. */
export function passesOn(path: string, mountInfo: string): boolean {
  return canHaveSlaves(mountOf(path, mountInfo));
}

const canHaveSlaves = ({ optional }: { optional: string }): boolean => /shared:|master:/.test(optional);

/** The mount a path lies on (proc(5), mountinfo: the fifth field, and the optional fields up to the hyphen). */
function mountOf(path: string, mountInfo: string): { point: string; optional: string } {
  let best = { point: "/", optional: "" };
  for (const line of mountInfo.split("\n")) {
    const fields = line.split(" ");
    const point = (fields[4] ?? "").replace(/\\(\d{3})/g, (_all, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const holds = point !== "" && (path === point || point === "/" || path.startsWith(`${point}/`));
    if (!holds || point.length < best.point.length) continue;
    best = { point, optional: fields.slice(6, fields.indexOf("-")).join(" ") };
  }
  return best;
}
