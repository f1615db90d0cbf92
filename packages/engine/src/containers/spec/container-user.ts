import { invalidArgument } from "@pouchcontainer/errors";
import type { ProcessUser } from "@pouchcontainer/oci";
import type { RootfsReader } from "./rootfs-reader.ts";

/** Who a process runs as: numbers for the kernel, home for its environment. */
export interface ContainerUser extends ProcessUser {
  /** Home directory of the passwd entry; `/` without one. */
  home: string;
}

interface PasswdEntry {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

interface GroupEntry {
  name: string;
  gid: number;
  members: string[];
}

/** When the groups count that /etc/group has the user in; Docker's rule is that a group named with the user stands for them. */
export type Memberships = "unless-group" | "always" | "never";

const maxId = 2 ** 31 - 1;

/**
 * Resolves Docker's `user[:group]` against the container's own `/etc/passwd` and `/etc/group`, with the errors runc's user
 * library has. A number needs no entry; a name does.
 */
export function resolveUser(
  text: string,
  groupAdd: readonly string[],
  rootfs: RootfsReader,
  memberships: Memberships = "unless-group",
): ContainerUser {
  const passwd = parsePasswd(rootfs.readFile("/etc/passwd") ?? "");
  const groups = parseGroup(rootfs.readFile("/etc/group") ?? "");
  const [userText = "", groupText = ""] = text.split(":", 2);

  const uidGiven = userText === "" ? 0 : numericId(userText);
  const entry = passwd.find((candidate) => (uidGiven === undefined ? candidate.name === userText : candidate.uid === uidGiven));
  if (entry === undefined && uidGiven === undefined)
    throw invalidArgument(`unable to find user ${userText}: no matching entries in passwd file`);
  const uid = checked(entry?.uid ?? uidGiven ?? 0);

  let gid = entry?.gid ?? 0;
  const additional = new Set<number>();
  if (groupText !== "") gid = groupId(groupText, groups);
  if (entry !== undefined && (memberships === "always" || (memberships === "unless-group" && groupText === ""))) {
    for (const group of groups) if (group.members.includes(entry.name)) additional.add(group.gid);
  }
  for (const group of groupAdd) additional.add(groupId(group, groups));

  const additionalGids = [gid, ...[...additional].filter((extra) => extra !== gid)];
  return { uid, gid: checked(gid), additionalGids, home: entry?.home || "/" };
}

function groupId(text: string, groups: readonly GroupEntry[]): number {
  const numeric = numericId(text);
  const found = groups.find((group) => (numeric === undefined ? group.name === text : group.gid === numeric));
  const gid = found?.gid ?? numeric;
  if (gid === undefined) throw invalidArgument(`unable to find group ${text}: no matching entries in group file`);
  return checked(gid);
}

function checked(id: number): number {
  if (id < 0 || id > maxId) throw invalidArgument(`uids and gids must be in range 0-${maxId}`);
  return id;
}

function numericId(text: string): number | undefined {
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function parsePasswd(text: string): PasswdEntry[] {
  return lines(text).flatMap((line) => {
    const [name = "", , uid = "", gid = "", , home = ""] = line.split(":");
    return name === "" || numericId(uid) === undefined ? [] : [{ name, uid: Number(uid), gid: numericId(gid) ?? 0, home }];
  });
}

function parseGroup(text: string): GroupEntry[] {
  return lines(text).flatMap((line) => {
    const [name = "", , gid = "", members = ""] = line.split(":");
    return name === "" || numericId(gid) === undefined
      ? []
      : [{ name, gid: Number(gid), members: members.split(",").filter(Boolean) }];
  });
}

function lines(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const trimmed = line.trim();
    return trimmed === "" || trimmed.startsWith("#") ? [] : [trimmed];
  });
}
