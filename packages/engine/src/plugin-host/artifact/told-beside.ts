import { cutText, invalidArgument } from "@pouchcontainer/errors";
import { equalJson, isObject } from "@pouchcontainer/plugin-sdk/host";

/** What a registry has of a package.json beside its package: it is what is shown to who grants what the package asks for. */
export type ToldBeside = Record<string, unknown>;

/** Bytes of what a stranger wrote that a message shows. */
const shownBytes = 512;

/** Throws `invalidArgument` where a package is another plugin or version, or asks for other permissions, than was told beside it. */
export function checkTold(told: ToldBeside, packageJson: Record<string, unknown>, artifact: string): void {
  const [named, is] = [called(told), called(packageJson)];
  if (named !== is) throw disagreeing(artifact, `its config is that of ${named}, its package is ${is}`);
  const [beside, inside] = [permissionsIn(told), permissionsIn(packageJson)];
  if (equalJson(beside, inside)) return;
  throw disagreeing(artifact, `its config asks for ${shown(beside)}, the package.json in its package for ${shown(inside)}`);
}

function disagreeing(artifact: string, reason: string): Error {
  return invalidArgument(
    `the config of ${artifact} and its package disagree: ${reason}; whoever made it has to push it again, as pouch plugin push makes both of one package.json`,
  );
}

function called({ name, version }: Record<string, unknown>): string {
  return cutText(`plugin ${JSON.stringify(name)} ${JSON.stringify(version) ?? "without a version"}`, shownBytes);
}

function permissionsIn({ pouch }: Record<string, unknown>): unknown {
  return (isObject(pouch) ? pouch["permissions"] : undefined) ?? null;
}

function shown(permissions: unknown): string {
  return permissions === null ? "no permissions by name" : `the permissions ${cutText(JSON.stringify(permissions), shownBytes)}`;
}
