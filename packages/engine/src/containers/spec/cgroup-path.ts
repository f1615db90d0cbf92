export type CgroupDriver = "cgroupfs" | "systemd";

/** Name of the scope prefix and of the default parent. */
const prefix = "pouch";

/**
 * `linux.cgroupsPath` of a container. cgroupfs: a path. systemd: `slice:prefix:name`, from which runc makes the scope
 * `prefix-name.scope`.
 */
export function cgroupsPath(id: string, driver: CgroupDriver, parent: string): string {
  if (driver === "systemd") return `${parent === "" ? "system.slice" : parent}:${prefix}:${id}`;
  const base = parent === "" ? `/${prefix}` : parent.startsWith("/") ? parent : `/${parent}`;
  return `${base.replace(/(?<!\/)\/+$/, "")}/${id}`;
}
