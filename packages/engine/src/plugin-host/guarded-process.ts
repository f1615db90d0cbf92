import { invalidArgument, unavailable } from "@pouchcontainer/errors";
import { firstExecutable, startProgram, type StartedProgram } from "@pouchcontainer/owners";
import { randomBytes } from "node:crypto";
import { delimiter, join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { endAndRemoveGroups, endGroups } from "../control-groups/end-groups.ts";
import { oomKillsIn } from "../control-groups/group-events.ts";
import { endMarked, markVariable } from "../marked-processes.ts";
import { asUser, type UserView } from "./confinement/as-user.ts";
import { withoutNetwork } from "./confinement/network-access.ts";

/** How to start a process that must not outlive its owner. */
export interface GuardedCommand {
  command: string;
  args: readonly string[];
  /** The whole environment. */
  env: Readonly<Record<string, string>>;
  workingDirectory?: string;
  /** Between SIGTERM and SIGKILL. */
  stopTimeoutMs: number;
  /** Asked when it is about to be started. Default: those of the owner. */
  surroundings?: () => Promise<ProcessSurroundings>;
}

/** What a process is put into. */
export interface ProcessSurroundings {
  /** Folders of control groups that are its own: they end with it, whatever it started in them, and are removed. */
  groups: readonly string[];
  user?: UserView;
  /** `none`: one of its own, with nothing in it but the loopback interface. Default: the owner's. */
  network?: "none";
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The kernel ended it, or what it started, for want of memory. */
  outOfMemory: boolean;
}

/**
 * Runs beside the process, in a session of its own, adopted by init. It reads from a socket whose other end only the owner
 * holds: when the owner ends the stream or dies, the kernel closes it, and the guard ends the process group, then what is in its control
 * groups and whatever still carries the mark in its environment (children that left the group), and last itself, which the owner sees as end
 * of stream.
 * $1: leader's pid, $2: mark, $3: fiftieths of a second between TERM and KILL, $4: folders of control groups, one a line.
 * Zombies do not count as alive: how soon init reaps them is not ours to wait for.
 */
const guardScript = `
while read -r _; do :; done <&3
kill -TERM "-$1" 2>/dev/null
left=$3
while [ "$left" -gt 0 ] && grep -qs ") [^Z] [0-9]* $1 " /proc/[0-9]*/stat; do sleep 0.02; left=$((left - 1)); done
kill -KILL "-$1" 2>/dev/null
${endGroups('"$4"')}
${endMarked('"$2"')}`;

/**
 * Starts the guard, lets it be adopted, enters the control groups, then becomes the program itself: its pid, exit status and signals are the
 * program's own.
 */
const launchScript = `
guard=$1 mark=$2 grace=$3 groups=$4; shift 4
(setsid sh -c "$guard" guard "$$" "$mark" "$grace" "$groups" </dev/null >/dev/null 2>&1 &)
IFS='
'
set -f
for group in $groups; do echo "$$" >"$group/cgroup.procs" || exit 125; done
export ${markVariable}="$mark"
exec "$@" 3<&-
`;

/** A running process, its output, and the one way to end it with everything it started. */
export class GuardedProcess {
  readonly pid: number;
  readonly program: StartedProgram;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process itself has ended, however it came to that. */
  readonly exited: Promise<Exit>;
  /** Folders of its control groups. */
  readonly groups: readonly string[];
  readonly #lifeline: Duplex;
  readonly #guardGone: Promise<void>;
  #lifelineCut = false;

  private constructor(program: StartedProgram, pid: number, lifeline: Duplex, groups: readonly string[]) {
    this.pid = pid;
    this.groups = groups;
    this.program = program;
    this.stdout = program.stdout;
    this.stderr = program.stderr;
    this.#lifeline = lifeline.resume();
    this.#guardGone = new Promise((resolve) => lifeline.once("close", () => resolve()));
    this.exited = program.exited.then(({ status, signal }) => {
      const outOfMemory = (oomKillsIn(groups) ?? 0) > 0;
      // What the process left behind goes with it, and its groups.
      this.#cutLifeline();
      return { code: status, signal, outOfMemory };
    });
  }

  /** Resolves when the program runs. Throws `invalidArgument` when it does not exist or is not executable. */
  static async start(command: GuardedCommand): Promise<GuardedProcess> {
    const { env, args, workingDirectory } = command;
    const path = env["PATH"] ?? "";
    const program = findProgram(command.command, path, workingDirectory);
    const surroundings = (await command.surroundings?.()) ?? { groups: [] };
    const { groups } = surroundings;
    const words = within(surroundings, [program, ...args]);
    const mark = `pouch-${randomBytes(12).toString("hex")}`;
    const grace = String(Math.max(1, Math.ceil(command.stopTimeoutMs / 20)));
    const guard = [guardScript, mark, grace, groups.join("\n")];
    const started = startProgram("/bin/sh", ["-c", launchScript, "launch", ...guard, ...words], {
      // It leads a session and group of its own, which the guard ends as one.
      env: { ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      name: command.command,
      ...(workingDirectory === undefined ? {} : { cwd: workingDirectory }),
    });
    const [outcome] = await Promise.allSettled([started.started]);
    const lifeline = started.pipeAt(3);
    if (started.pid !== undefined && lifeline !== undefined && outcome.status === "fulfilled")
      return new GuardedProcess(started, started.pid, lifeline, groups);
    await endAndRemoveGroups(groups);
    const cause: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
    throw unavailable(`cannot start ${command.command}`, { cause });
  }

  /** Ends the process and everything it started; resolves when all of it is gone. */
  async stop(): Promise<void> {
    this.#cutLifeline();
    await Promise.all([this.exited, this.#guardGone]);
  }

  /** SIGKILL now; the guard clears up what the process started. */
  async kill(): Promise<void> {
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // No such group: it is gone already.
    }
    await this.stop();
  }

  #cutLifeline(): void {
    if (this.#lifelineCut) return;
    this.#lifelineCut = true;
    this.#lifeline.end();
  }
}

/** The network comes first: it is root that enters one. */
function within({ user, network }: ProcessSurroundings, command: readonly string[]): readonly string[] {
  const words = user === undefined ? command : asUser(user, command);
  return network === "none" ? withoutNetwork(words) : words;
}

/** The program's path; looked up here so that a missing one is an error of the start and not an exit with status 127. */
function findProgram(command: string, path: string, workingDirectory: string | undefined): string {
  const candidates = command.includes("/")
    ? [command.startsWith("/") ? command : join(workingDirectory ?? ".", command)]
    : path.split(delimiter).map((directory) => join(directory, command));
  const found = firstExecutable(candidates);
  if (found !== undefined) return found;
  throw invalidArgument(`${command} is not an executable program${command.includes("/") ? "" : " in PATH"}`);
}
