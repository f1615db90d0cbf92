import { makeFolders } from "@pouchcontainer/owners";
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { endMarked, markVariable } from "../marked-processes.ts";
import type { PreStartHook } from "../plugin-host/chains.ts";

/** What runc gives the rest of the script after the hook's own time: it kills that alone, and not what it began. */
const graceSeconds = 10;

/**
 * runc takes a hook to have ended when nobody holds its output any more, after its time as well. So the hook writes into a FIFO, of which
 * the last words are told only when it fails, and then everything it began is ended. Of one that succeeds its end alone counts.
 * $1: mark, $2: seconds, $3: the FIFO; then the hook. Its standard input is the container's state.
 */
const script = `
mark=$1 limit=$2 output=$3
shift 3
exec 3<&0
command -p tail -c 4096 <"$output" 3<&- >&2 &
reader=$!
exec 4>"$output" 5>&2 2>/dev/null
read -r began rest </proc/uptime
${markVariable}=$mark command -p timeout -k 1 "$limit" "$@" <&3 3<&- >&4 2>&1 4>&- 5>&-
status=$?
read -r now rest </proc/uptime
exec 3<&- 4>&-
if [ "$status" -eq 0 ]; then
  kill -KILL "$reader"
  exit 0
fi
${endMarked('"$mark"')}
left=20
while [ "$left" -gt 0 ] && kill -0 "$reader"; do command -p sleep 0.02; left=$((left - 1)); done
kill -KILL "$reader"
case $status in 124 | 137) [ $((\${now%.*} - \${began%.*})) -lt "$limit" ] || echo "hook ran past specified timeout of $limit s" >&5 ;; esac
exit "$status"
`;

const hookName = "pouch-hook";

/** The hook, if a process is one that runs it: by its command line; whose it is, the folder says. */
export function hookOf(words: readonly string[]): { directory: string; mark: string } | undefined {
  const [, option, , name, mark, , output] = words;
  if (option !== "-c" || name !== hookName || mark === undefined || output === undefined) return undefined;
  return { directory: dirname(output), mark };
}

/** A hook as the runtime gets it. */
export interface RuntimeHook extends PreStartHook {
  /** What the plugin asked for, where `args` run it within something else. */
  program?: string;
}

/** Hooks of plugins, each of which is over when it has ended or its time has, whoever it left; to be run one after the other. */
export async function boundedHooks(
  hooks: readonly PreStartHook[],
  options: { makeFifo(path: string): Promise<void>; directory: string; shell: string },
): Promise<RuntimeHook[]> {
  if (hooks.length === 0) return [];
  await makeFolders(options.directory, 0o710);
  return await Promise.all(
    hooks.map(async (hook, index) => {
      const output = join(options.directory, `hook-output-${index}`);
      await rm(output, { force: true });
      await options.makeFifo(output);
      const mark = `pouch-${randomBytes(12).toString("hex")}`;
      const own = [hookName, mark, String(hook.timeoutSeconds), output];
      return {
        ...hook,
        program: hook.args[0] ?? "",
        args: [options.shell, "-c", script, ...own, ...hook.args],
        timeoutSeconds: hook.timeoutSeconds + graceSeconds,
      };
    }),
  );
}
