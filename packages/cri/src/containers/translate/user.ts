import { invalidArgument } from "@pouchcontainer/errors";
import type { LinuxContainerSecurityContext } from "../../gen/runtime_v1_pb.ts";

/** What the kernel has ids for. */
const maxId = 2n ** 31n - 1n;

/** Docker's `user[:group]`; undefined for the image's own. A name counts more than a number, as in containerd. */
export function userText({ runAsUser, runAsUsername, runAsGroup }: LinuxContainerSecurityContext): string | undefined {
  const user = runAsUsername !== "" ? runAsUsername : runAsUser && idText(runAsUser.value, "run_as_user");
  const group = runAsGroup && idText(runAsGroup.value, "run_as_group");
  if (user === undefined && group !== undefined) throw invalidArgument(`run_as_group: group ${group} is given without a user`);
  return group === undefined ? user : `${user}:${group}`;
}

export function idText(id: bigint, field: string): string {
  if (id < 0n || id > maxId) throw invalidArgument(`${field}: ${id} is out of range 0-${maxId}`);
  return String(id);
}
