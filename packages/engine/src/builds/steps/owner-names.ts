import { internal } from "@pouchcontainer/errors";
import type { Owner } from "./place-layer.ts";

interface Files {
  passwd: string;
  group: string;
}

/** Whom `--chown` names, by the files of the image that is built. A group that is not named is called as the user is. */
export function ownerOf(text: string, { passwd, group }: Files): Owner {
  const [user = "", second] = text.split(":", 2);
  const groupName = second ?? user;
  return { uid: numberOf(user, passwd, "user", "uid"), gid: numberOf(groupName, group, "group", "gid") };
}

const greatest = 2 ** 32 - 2;

function numberOf(name: string, file: string, what: string, number: string): number {
  const found = file
    .split("\n")
    .map((line) => line.split(":"))
    .find(([first]) => first === name)?.[2];
  const text = found ?? name;
  if (/^\d+$/.test(text) && Number(text) <= greatest) return Number(text);
  throw internal(
    `unable to convert uid/gid chown string to host mapping: can't find ${number} for ${what} ${name}: no such ${what}: ${name}`,
  );
}
