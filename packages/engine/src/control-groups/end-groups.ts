import { runProgram } from "@pouchcontainer/owners";

/** How long the kernel may take to end what is killed. */
const timeoutSeconds = 5;
const pauseMs = 20;

/**
 * Shell text that ends every process in the groups whose folders are the lines of `groups`, a word of the shell, and in the groups below
 * them, and removes the folders. First nothing in them can start any more: version 2 freezes them and kills them as one (the latter since
 * Linux 5.14), version 1 takes their right to fork. What cannot be ended within seconds stays, with its folders.
 */
export const endGroups = (groups: string): string => `(
groups=${groups}
IFS='
'
set -f
in_each() {
  for group in $groups; do [ ! -e "$group/$1" ] || echo "$2" >"$group/$1"; done 2>/dev/null
}
end_groups() {
  in_each cgroup.freeze 1
  in_each pids.max 0
  in_each cgroup.kill 1
  round=0
  while [ "$round" -lt ${(timeoutSeconds * 1000) / pauseMs} ] && [ -n "$(command -p find $groups -maxdepth 0 2>/dev/null)" ]; do
    found=$(command -p find $groups -name cgroup.procs -exec cat {} + 2>/dev/null | command -p grep -vx 0)
    if [ -n "$found" ]; then kill -KILL $found 2>/dev/null
    else command -p find $groups -depth -type d -exec rmdir {} + 2>/dev/null && break; fi
    command -p sleep ${pauseMs / 1000}
    round=$((round + 1))
  done
}
[ -z "$groups" ] || end_groups
)`;

/** The same at once. */
export async function endAndRemoveGroups(folders: readonly string[]): Promise<void> {
  await runProgram("/bin/sh", ["-c", endGroups('"$1"'), "end-groups", folders.join("\n")]);
}
