import { invalidArgument, unavailable } from "@pouchcontainer/errors";
import { makeFoldersSync } from "@pouchcontainer/owners";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, lstatSync, rmSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { ProcessUser } from "../confinement/process-user.ts";

/**
 * Folder of the socket that a process with code of plugins listens on. Who may write to it can put a link to any other socket in that one's
 * place, and the daemon, which connects, is root: a process with a user of its own has the folder until its socket is there, and no connection is
 * made before it has been taken back, nor to what is not a socket of that user.
 */
export class SocketFolder {
  readonly path: string;
  /** Where the process is to listen. */
  readonly socketPath: string;
  #user: ProcessUser | undefined;
  #isGiven = false;

  constructor(runtimeDirectory: string, socketName: string) {
    this.path = join(runtimeDirectory, randomBytes(4).toString("hex"));
    this.socketPath = join(this.path, socketName);
  }

  make(): void {
    makeFoldersSync(this.path, 0o700);
  }

  /** Hands it over to a process that is about to be started, as that user; root needs no handing over. */
  give(user: ProcessUser | undefined): void {
    rmSync(this.socketPath, { force: true });
    this.#user = user;
    if (user === undefined) return;
    this.#isGiven = true;
    chownSync(this.path, user.uid, user.gid);
    chmodSync(this.path, 0o700);
  }

  /** Makes it the daemon's again. Throws `unavailable` while there is no socket, and `invalidArgument` for what is none of that user's. */
  takeBack(): void {
    if (!this.#isGiven || this.#user === undefined) return;
    const { uid, gid } = this.#user;
    this.#look();
    chownSync(this.path, 0, gid);
    // Its owner may have opened it to all. This is the mask of an access control list, too.
    chmodSync(this.path, 0o710);
    // Now it stays what it is.
    const found = this.#look();
    if (!found.isSocket() || found.uid !== uid)
      throw invalidArgument(
        "what is at POUCH_PLUGIN_SOCKET is not a socket that its own user made: it has to listen there itself",
      );
    this.#isGiven = false;
  }

  /** What the daemon connects to, in the same turn. Throws `unavailable` while the folder is given. */
  get address(): string {
    if (this.#isGiven) throw unavailable("its process does not answer: it does not listen yet");
    return this.socketPath;
  }

  #look(): Stats {
    try {
      return lstatSync(this.socketPath);
    } catch (cause) {
      throw unavailable("it does not listen yet", { cause });
    }
  }
}
