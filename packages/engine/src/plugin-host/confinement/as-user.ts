import type { ProcessUser } from "./process-user.ts";

/** How a process is run that is not root's. */
export interface UserView extends ProcessUser {
  /** Folders it sees nothing of: the daemon's own, whose modes let no other user pass. */
  hidden: readonly string[];
  /** Folders that it sees all the same, where they are. */
  shown: readonly string[];
}

/**
 * In a mount namespace of its own, which goes with the process. Folders that are shown are held by descriptors while what is above them is
 * covered; mounts and unmounts of the host still come in. The folder it works in is looked up again: it may be one that was covered.
 * $1: uid, $2: gid, $3 and $4: the hidden and the shown folders, one a line.
 */
const enterView = `
uid=$1 gid=$2 hidden=$3 shown=$4; shift 4
IFS='
'
set -f
umask 022
here=$(pwd -P)
number=4
for folder in $shown; do eval 'exec '"$number"'<"$folder"' || exit 125; number=$((number + 1)); done
for folder in $hidden; do
  [ ! -d "$folder" ] || command -p mount -t tmpfs -o mode=0711,size=1m pouch-plugin "$folder" || exit 125
done
number=4
for folder in $shown; do
  command -p mkdir -p "$folder" || exit 125
  command -p mount --no-canonicalize --bind "/proc/self/fd/$number" "$folder" || exit 125
  eval "exec $number<&-"
  number=$((number + 1))
done
cd "$here" || exit 125
exec setpriv --reuid="$uid" --regid="$gid" --clear-groups --no-new-privs -- "$@"
`;

/** The command that runs another as that user. */
export function asUser({ uid, gid, hidden, shown }: UserView, command: readonly string[]): string[] {
  const words = [String(uid), String(gid), hidden.join("\n"), shown.join("\n")];
  return ["unshare", "--mount", "--propagation", "slave", "/bin/sh", "-c", enterView, "enter-view", ...words, ...command];
}
