import { EngineError, failedPrecondition, messageChain, unavailable } from "@pouchcontainer/errors";
import { makeFoldersSync } from "@pouchcontainer/owners";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { folderOfPlace, isRenamed, mayBeNeeded, type NamedThing } from "./named-things.ts";
import { HeldByAnother, readNote, takeLeftLock, takeOwnerLock, type OwnerLock } from "./owner-lock.ts";
import { isBelow } from "./true-folder.ts";

/** Where daemons with nothing in common but this machine find each other; of this boot. */
const claimsFolder = "/run/pouch-claims";

export interface Claims {
  /** Lets go; `inUse` says that containers go on with what was claimed, and no other daemon may take it for its own. */
  close(inUse: boolean): void;
  /** Lets go, as if nothing had been claimed: for a start that failed. */
  undo(): void;
}

export interface ClaimOptions {
  /** Of the machine's claims; default: the one of this boot. */
  folder?: string;
  /** Whether containers may go on with what a daemon that ended had. */
  mayBeNeeded?: (place: string) => Promise<boolean>;
  /** Ends the wait for another daemon that claims; default: nothing does. */
  calledOff?: AbortSignal;
}

/**
 * Claims names for this daemon: a second one would replace the rules and change the bridge that the first one's containers need. One that
 * ended while containers ran keeps its claim against daemons with another home, for as long as the thing is there.
 */
export async function claimNames(
  things: readonly NamedThing[],
  home: string,
  owner: string,
  { folder = claimsFolder, mayBeNeeded: isNeeded = mayBeNeeded, calledOff }: ClaimOptions = {},
): Promise<Claims> {
  const claiming = new Claiming(folder, home, owner, isNeeded);
  makeFoldersSync(folder, 0o700);
  const turn = await claiming.turn(calledOff);
  try {
    await claiming.sweep(things);
    for (const thing of things) await claiming.claim(thing);
    for (const thing of things) claiming.refuseNested(thing);
  } catch (error) {
    claiming.undo();
    throw error;
  } finally {
    turn.close();
  }
  return claiming;
}

/** What a daemon says of itself to those it keeps out. */
export const ownerNote = (home: string): string => `process ${process.pid}${ownerOf(home)}`;

const ownerOf = (home: string): string => ` with --home-dir ${home}`;

/** Names may be longer than a file's name, and have slashes. */
const fileName = ({ place }: NamedThing): string => createHash("sha256").update(place).digest("hex").slice(0, 24);

/** Held by a daemon while it claims: who looks whether a lock is left takes it for that moment, and would seem to be its owner. */
const turnName = "starting";
const turnTimeoutMs = 20_000;

class Claiming implements Claims {
  readonly #folder: string;
  readonly #home: string;
  readonly #owner: string;
  readonly #isNeeded: (place: string) => Promise<boolean>;
  readonly #held: { thing: NamedThing; lock: OwnerLock }[] = [];

  constructor(folder: string, home: string, owner: string, isNeeded: (place: string) => Promise<boolean>) {
    this.#folder = folder;
    this.#home = home;
    this.#owner = owner;
    this.#isNeeded = isNeeded;
  }

  close(inUse: boolean): void {
    for (const { thing, lock } of this.#held)
      if (inUse && isKept(thing)) lock.leaveNote();
      else lock.close();
  }

  undo(): void {
    for (const { lock } of this.#held) lock.undo();
  }

  async turn(calledOff?: AbortSignal): Promise<OwnerLock> {
    const file = join(this.#folder, turnName);
    for (const deadline = Date.now() + turnTimeoutMs; ; await sleep(10)) {
      calledOff?.throwIfAborted();
      try {
        return await takeOwnerLock(file, { owner: this.#owner });
      } catch (error) {
        if (!(error instanceof HeldByAnother))
          throw failedPrecondition(`cannot claim names in ${this.#folder}: ${messageChain(error)}`, { cause: error });
        if (Date.now() > deadline) throw unavailable(`another daemon (${error.owner}) has been starting for too long`);
      }
    }
  }

  /** Takes away what daemons that ended left, and nobody needs; refuses to leave behind what this home had by another name. */
  async sweep(things: readonly NamedThing[]): Promise<void> {
    for (const path of this.#noted()) {
      const left = takeLeftLock(path);
      const note = left && readNote(path);
      // A note without a place is of a daemon older than places.
      const isNeeded = note !== undefined && (note.place === "" || (await this.#isNeeded(note.place)));
      if (isNeeded) left?.leaveNote();
      else left?.close();
      if (isNeeded && note.owner.endsWith(ownerOf(this.#home))) this.#refuseRenamed(note.place, things, path);
    }
  }

  #refuseRenamed(before: string, things: readonly NamedThing[], note: string): void {
    const renamed = things.find(({ place }) => isRenamed(before, place));
    if (renamed)
      throw failedPrecondition(
        `${this.#home} had the ${before}, which is there yet, and containers of it may need it: start with that name again, and stop them ` +
          `before it becomes ${renamed.what}, or remove it and ${note} if none of them runs`,
      );
  }

  async claim(thing: NamedThing): Promise<void> {
    const { what, option, place } = thing;
    const file = join(this.#folder, fileName(thing));
    const other = `or give this one ${option} of its own`;
    try {
      const lock = await takeOwnerLock(file, { owner: this.#owner, place }, async (note) => {
        if (note.owner.endsWith(ownerOf(this.#home)) || !(await this.#isNeeded(place))) return;
        throw unavailable(
          `${what} belongs to a daemon that does not run (${note.owner}) but may have containers: remove ${file} if that one will not come back, ${other}`,
        );
      });
      this.#held.push({ thing, lock });
    } catch (error) {
      if (error instanceof HeldByAnother)
        throw unavailable(`${what} is in use by another daemon (${error.owner}): stop it, ${other}`, { cause: error });
      if (error instanceof EngineError) throw error;
      throw failedPrecondition(`cannot note in ${file} who has ${what}: ${messageChain(error)}`, { cause: error });
    }
  }

  /** A daemon takes what is in its folders for its own. Those of daemons that ended are swept by now. */
  refuseNested({ folder, option }: NamedThing): void {
    if (folder === undefined) return;
    const own = new Set(this.#held.map(({ thing }) => join(this.#folder, fileName(thing))));
    for (const path of this.#noted()) {
      const { owner, place } = (own.has(path) ? undefined : readNote(path)) ?? { owner: "", place: "" };
      const others = folderOfPlace(place);
      if (others === undefined || !(isBelow(folder, others) || isBelow(others, folder))) continue;
      const how = isBelow(folder, others) ? "lies in" : "has in it";
      throw unavailable(
        `the folder ${folder} ${how} ${others}, which is in use by another daemon (${owner}): give this one ${option} of its own`,
      );
    }
  }

  /** Where notes are or were. */
  #noted(): string[] {
    const locks = readdirSync(this.#folder).filter((name) => name.endsWith(".lock") && name !== `${turnName}.lock`);
    return locks.map((name) => join(this.#folder, name.slice(0, -".lock".length)));
  }
}

/** For the containers of a daemon that ended. */
const isKept = ({ place }: NamedThing): boolean => !/^(folder|namespace) /.test(place);
