import { runProgram } from "@pouchcontainer/owners";
import type { ProcessUser } from "./process-user.ts";

/** How a process is run that is not root's. */
export interface UserView extends ProcessUser {
  /** Folders it sees nothing of: the daemon's own, whose modes let no other user pass. */
  hidden: readonly string[];
  /** Folders that it sees all the same, where they are. */
  shown: readonly string[];
  /** Whether more of them may be shown while it runs. Default: false. */
  showsMore?: boolean;
}

/** Folder, closed to all but root, in which a view that shows more later keeps what it hides. */
const keeper = ".pouch-hidden";

/**
 * In a mount namespace of its own, which goes with the process. Folders that are shown are held by descriptors while what is above them is
 * covered; mounts and unmounts of the host still come in. The folder it works in is looked up again: it may be one that was covered.
 * $1: uid, $2: gid, $3 and $4: the hidden and the shown folders, one a line, $5: those that stay in reach of root below the first of them.
 */
const enterView = `
uid=$1 gid=$2 hidden=$3 shown=$4 kept=$5; shift 5
IFS='
'
set -f
umask 022
here=$(pwd -P)
number=4
for folder in $shown $kept; do eval 'exec '"$number"'<"$folder"' || exit 125; number=$((number + 1)); done
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
index=0
for folder in $kept; do
  [ "$index" -gt 0 ] || { keeper="$folder/${keeper}"; command -p mkdir -m 0700 "$keeper" || exit 125; }
  command -p mkdir "$keeper/$index" || exit 125
  command -p mount --no-canonicalize --bind "/proc/self/fd/$number" "$keeper/$index" || exit 125
  eval "exec $number<&-"
  number=$((number + 1)) index=$((index + 1))
done
cd "$here" || exit 125
exec setpriv --reuid="$uid" --regid="$gid" --clear-groups --no-new-privs -- "$@"
`;

/**
 * Within such a view: shows more of the folders that it hides.
 * $1: the hidden folders, $2: the others, one a line each.
 */
const showFolders = `
hidden=$1 shown=$2
IFS='
'
set -f
umask 022
for folder in $shown; do
  index=0 first= source=
  for covered in $hidden; do
    [ -n "$first" ] || first=$covered
    case "$folder" in "$covered"/*) source="$first/${keeper}/$index/\${folder#"$covered"/}";; esac
    index=$((index + 1))
  done
  [ -n "$source" ] || { echo "$folder is in none of the folders that it hides" >&2; exit 1; }
  command -p mkdir -p "$folder" || exit 1
  command -p mount --bind "$source" "$folder" || exit 1
done
`;

/** Shows more of the daemon's folders to a process that was started with such a view. */
export async function showMore(pid: number, hidden: readonly string[], folders: readonly string[]): Promise<void> {
  const words = [showFolders, "show-folders", hidden.join("\n"), folders.join("\n")];
  await runProgram("nsenter", [`--mount=/proc/${pid}/ns/mnt`, "--", "/bin/sh", "-c", ...words]);
}

/** The command that runs another as that user. */
export function asUser({ uid, gid, hidden, shown, showsMore = false }: UserView, command: readonly string[]): string[] {
  const kept = showsMore ? hidden : [];
  const words = [String(uid), String(gid), hidden.join("\n"), shown.join("\n"), kept.join("\n")];
  return ["unshare", "--mount", "--propagation", "slave", "/bin/sh", "-c", enterView, "enter-view", ...words, ...command];
}
