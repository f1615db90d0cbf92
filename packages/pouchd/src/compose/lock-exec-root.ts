import { namesIn } from "@pouchcontainer/engine";
import { EngineError, failedPrecondition, messageChain, unavailable } from "@pouchcontainer/errors";
import { join } from "node:path";
import { lastRoot, markExecRoot, noteLastRoot } from "./exec-root-mark.ts";
import { HeldByAnother, readNote, takeOwnerLock, type OwnerLock } from "./owner-lock.ts";
import { trueFolder } from "./true-folder.ts";

/** The daemon that wants it. */
export interface ExecRootOwner {
  home: string;
  /** Of its store, which a home keeps when it is moved. */
  identity: string;
  /** What it says of itself. */
  owner: string;
}

export interface ExecRootLock extends OwnerLock {
  /** Another exec root that the home was used with before: its containerd may run. */
  former?: string;
}

/**
 * Holds the exec root against a second daemon, which would end this one's containerd and containers as leftovers of its own, also while
 * no daemon runs and the containers do. And a home whose containers run with another exec root is not begun anew with this one.
 */
export async function lockExecRoot(execRoot: string, daemon: ExecRootOwner): Promise<ExecRootLock> {
  refuseOtherRoot(execRoot, daemon);
  markExecRoot(execRoot);
  const lock = await take(execRoot, daemon);
  const last = lastRoot(daemon.home);
  noteLastRoot(daemon.home, trueFolder(execRoot));
  return { ...lock, ...(last !== undefined && last !== trueFolder(execRoot) && { former: last }) };
}

async function take(execRoot: string, daemon: ExecRootOwner): Promise<OwnerLock> {
  try {
    return await takeOwnerLock(noteOf(execRoot), { owner: daemon.owner, place: placeOf(daemon) }, async ({ owner, place }) => {
      if (isOwn(place, daemon) || !hasRuns(execRoot)) return;
      throw failedPrecondition(
        `${execRoot} is the --exec-root-dir of a daemon that does not run (${owner}), whose containers may: start that one, give this ` +
          `one an --exec-root-dir of its own, or, if that one will not come back, remove ${noteOf(execRoot)}: this one then ends them`,
      );
    });
  } catch (error) {
    if (error instanceof EngineError) throw error;
    if (error instanceof HeldByAnother)
      throw unavailable(
        `${execRoot} is in use by another daemon (${error.owner}): stop it, or give this one an --exec-root-dir of its own`,
        { cause: error },
      );
    throw failedPrecondition(`cannot lock ${execRoot}, the --exec-root-dir: ${messageChain(error)}`, { cause: error });
  }
}

function refuseOtherRoot(execRoot: string, daemon: ExecRootOwner): void {
  const last = lastRoot(daemon.home);
  if (last === undefined || last === trueFolder(execRoot) || !hasRuns(last)) return;
  const note = readNote(noteOf(last));
  if (note === undefined || !isOwn(note.place, daemon)) return;
  throw failedPrecondition(
    `containers of ${daemon.home} may be running with the --exec-root-dir ${last}, not with ${execRoot}: start with that one, and stop ` +
      `them before it is changed, or remove ${noteOf(last)} if none of them runs`,
  );
}

const noteOf = (execRoot: string): string => join(execRoot, "owner");

const placeOf = ({ identity, home }: ExecRootOwner): string => `${identity} ${trueFolder(home)}`;

/** A store that was made anew has another identity, a home that was moved another place. */
function isOwn(place: string, { identity, home }: ExecRootOwner): boolean {
  const [, noted, folder] = /^(\S+) (.*)$/s.exec(place) ?? [];
  return noted === undefined || noted === identity || folder === trueFolder(home);
}

/** A container has a folder there for as long as it runs. */
const hasRuns = (execRoot: string): boolean => namesIn(join(execRoot, "containers")).length > 0;
