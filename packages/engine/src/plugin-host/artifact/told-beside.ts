import { cutText, invalidArgument } from "@pouchcontainer/errors";
import { equalJson, isObject } from "@pouchcontainer/plugin-sdk/host";

/** What a registry has of a package.json beside its package: it is what is shown to who grants what the package asks for. */
export type ToldBeside = Record<string, unknown>;

/** Bytes of permissions that a message shows. */
const shownBytes = 512;

/** Throws `invalidArgument` where a package asks for other permissions than was told beside it. */
export function checkTold(told: ToldBeside, packageJson: Record<string, unknown>, artifact: string): void {
  const [beside, inside] = [permissionsIn(told), permissionsIn(packageJson)];
  if (equalJson(beside, inside)) return;
  const reason = `its config asks for ${shown(beside)}, the package.json in its package for ${shown(inside)}`;
  throw invalidArgument(
    `the config of ${artifact} and its package disagree: ${reason}; whoever made it has to push it again, as pouch plugin push makes both of one package.json`,
  );
}

function permissionsIn({ pouch }: Record<string, unknown>): unknown {
  return (isObject(pouch) ? pouch["permissions"] : undefined) ?? null;
}

function shown(permissions: unknown): string {
  return permissions === null ? "no permissions by name" : `the permissions ${cutText(JSON.stringify(permissions), shownBytes)}`;
}
