import { invalidArgument } from "@pouchcontainer/errors";
import { programOutcome } from "@pouchcontainer/owners";

/** Whom a process runs as, by their numbers. */
export interface ProcessUser {
  uid: number;
  gid: number;
}

/**
 * The user of a manifest: `NAME`, `UID`, or either with `:GROUP` or `:GID`. Without a group it is the user's own; a number that is no user's
 * has the group of that number. Throws `invalidArgument` for a name that this host does not have.
 */
export async function resolveUser(text: string): Promise<ProcessUser> {
  const [user = "", group] = text.split(":");
  const [, , uid, own] = await entryOf("passwd", user, "user");
  const [, , gid = own ?? uid] = group === undefined ? [] : await entryOf("group", group, "group");
  return { uid: Number(uid), gid: Number(gid) };
}

/** What the host knows of a name or number; of a number that it does not know, the number. */
async function entryOf(database: "passwd" | "group", name: string, what: string): Promise<string[]> {
  const { status, stdout } = await programOutcome("getent", [database, name]);
  if (status === 0) {
    const [entry, password, id, own] = stdout.trim().split(":");
    return database === "passwd" ? [entry ?? "", password ?? "", id ?? "", own ?? ""] : [entry ?? "", password ?? "", id ?? ""];
  }
  if (/^\d+$/.test(name)) return ["", "", name];
  throw invalidArgument(`this host has no ${what} "${name}": make one, or name another in pouch.user of the manifest`);
}
