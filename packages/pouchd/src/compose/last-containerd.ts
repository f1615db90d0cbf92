import { failedPrecondition } from "@pouchcontainer/errors";
import { join } from "node:path";
import { note, noted } from "./noted.ts";
import { trueFolder } from "./true-folder.ts";

/** Where a daemon keeps what its containers are made of. */
interface Place {
  namespace: string;
  /** Of a containerd that is not the daemon's own. */
  address?: string | undefined;
}

/**
 * Refuses another containerd, or another namespace of it, than the one in which a home's containers are: they would be taken for lost,
 * and back with the former one, for strangers' runs. Without containers the home is free to change.
 */
export function holdContainerd(home: string, place: Place, hasContainers: boolean): void {
  const file = join(home, ".last-containerd");
  const text = textOf(place);
  const before = noted(file);
  if (before === text) return;
  if (before !== undefined && hasContainers)
    throw failedPrecondition(
      `the containers of ${home} are in ${described(before)}, not in ${described(text)}: start with that one, and remove them before it is ` +
        `changed, or remove ${file} if they are not there`,
    );
  note(file, text);
}

const textOf = ({ namespace, address }: Place): string =>
  `${namespace}\n${address === undefined ? "" : trueFolder(address.replace(/^unix:\/\//, ""))}\n`;

function described(text: string): string {
  const [namespace = "", address = ""] = text.split("\n");
  const whose = address === "" ? "the daemon's own containerd" : `the containerd at ${address}`;
  return `the namespace ${namespace} (--default-namespace) of ${whose}`;
}
