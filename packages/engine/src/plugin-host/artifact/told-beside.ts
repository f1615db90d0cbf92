import { cutText, invalidArgument } from "@pouchcontainer/errors";
import type { PouchSection } from "@pouchcontainer/plugin-sdk";
import { equalJson, isObject } from "@pouchcontainer/plugin-sdk/host";

/** What a registry has of a package.json beside its package: it is what is shown to who grants what the package asks for. */
export type ToldBeside = Record<string, unknown>;

/** Bytes of what a stranger wrote that a message shows. */
const shownBytes = 512;

/** Throws `invalidArgument` where a package is another plugin or version, or asks for other privileges, than was told beside it. */
export function checkTold(told: ToldBeside, packageJson: Record<string, unknown>, artifact: string): void {
  const [named, is] = [called(told), called(packageJson)];
  if (named !== is) throw disagreeing(artifact, `its config is that of ${named}, its package is ${is}`);
  for (const [member, shown] of askingMembers) {
    const [beside, inside] = [told, packageJson].map(({ pouch }) => (isObject(pouch) ? pouch[member] : undefined) ?? null);
    if (!equalJson(beside, inside))
      throw disagreeing(artifact, `its config asks for ${shown(beside)}, the package.json in its package for ${shown(inside)}`);
  }
}

/** Members of the `pouch` section that ask for something to be granted, and how messages have them. */
const askingMembers: readonly [member: keyof PouchSection, shown: (value: unknown) => string][] = [
  ["permissions", (value) => (value === null ? "no permissions by name" : `the permissions ${cut(value)}`)],
  ["user", (value) => (value === null ? "the user root" : `the user ${cut(value)}`)],
  ["environment", (value) => (value === null ? "no environment" : `the environment ${cut(value)}`)],
  ["sharedProcess", (value) => (value === null ? "a process of its own" : `the shared process ${cut(value)}`)],
];

function disagreeing(artifact: string, reason: string): Error {
  return invalidArgument(
    `the config of ${artifact} and its package disagree: ${reason}; whoever made it has to push it again, as pouch plugin push makes both of one package.json`,
  );
}

function called({ name, version }: Record<string, unknown>): string {
  return cutText(`plugin ${JSON.stringify(name)} ${JSON.stringify(version) ?? "without a version"}`, shownBytes);
}

function cut(value: unknown): string {
  return cutText(JSON.stringify(value), shownBytes);
}
