import { failedPrecondition } from "@pouchcontainer/errors";
import { runProgram } from "@pouchcontainer/owners";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { chown, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ProcessSurroundings } from "../guarded-process.ts";
import type { UserView } from "./as-user.ts";
import type { PluginGroup } from "./plugin-group.ts";
import type { PluginGroups } from "./plugin-groups.ts";
import { reachesNetwork } from "./network-access.ts";
import { resolveUser } from "./process-user.ts";

export interface ConfinementDeps {
  groups: PluginGroups;
  /** The daemon's folders, of which a plugin with a user of its own sees what is its own. */
  hidden: readonly string[];
}

/** What belongs to one instance of a plugin. */
export interface PluginBelongings {
  manifest: PluginManifest;
  /** Folder of the package. */
  directory: string;
  stateDirectory: () => string;
  /** The environment of its processes. */
  environment: Readonly<Record<string, string>>;
}

/** What one instance of a plugin is held to, in all processes that the daemon starts for it: limits, a user of its own, and no network. */
export class Confinement {
  /** The whole environment its assistants may have of the daemon's, where it runs as a user of its own. */
  readonly environment: Readonly<Record<string, string>> | undefined;
  readonly #manifest: PluginManifest;
  readonly #groups: PluginGroups;
  readonly #group: PluginGroup | undefined;
  #user: UserView | undefined;

  private constructor(deps: ConfinementDeps, belongings: PluginBelongings, group: PluginGroup | undefined, user?: UserView) {
    this.#groups = deps.groups;
    this.#manifest = belongings.manifest;
    this.#group = group;
    this.#user = user;
    this.environment = user && belongings.environment;
  }

  static async of(deps: ConfinementDeps, belongings: PluginBelongings): Promise<Confinement> {
    const { manifest } = belongings;
    const user = manifest.user === undefined ? undefined : await giveTo(manifest.user, deps, belongings);
    return new Confinement(deps, belongings, await deps.groups.make(manifest.name, manifest), user);
  }

  /** Whether the kernel holds it to its limit of memory. */
  get limitsMemory(): boolean {
    return this.#group?.limitsMemory ?? false;
  }

  /** Hands the folder of its sockets over. */
  async giveSockets(folder: string, hostSocket: string): Promise<void> {
    if (this.#user === undefined) return;
    const { uid, gid } = this.#user;
    await chown(hostSocket, uid, gid);
    await chown(folder, uid, gid);
    this.#user = { ...this.#user, shown: [...this.#user.shown, folder] };
  }

  /** What its own process is started in. */
  async ofItself(): Promise<ProcessSurroundings> {
    return { ...(await this.ofAssistant()), ...(!reachesNetwork(this.#manifest) && { network: "none" }) };
  }

  /** What an assistant is started in: the permission to start them is that to work on the host, in its network. */
  async ofAssistant(): Promise<ProcessSurroundings> {
    return { groups: (await this.#group?.forProcess()) ?? [], ...(this.#user && { user: this.#user }) };
  }

  /** In words, that one of its processes was ended for want of memory. */
  get outOfMemory(): string {
    const { name, memoryLimitMb } = this.#manifest;
    return `plugin "${name}" reached its limit of ${memoryLimitMb} MB of memory (memoryLimitMb)`;
  }

  /** In words, that it could not start another process or thread; undefined where it could. */
  refusedForks(process: readonly string[]): string | undefined {
    if (this.#group === undefined || this.#group.refusedForks(process) === 0) return undefined;
    const { name, pidsLimit } = this.#manifest;
    return `plugin "${name}" reached its limit of ${pidsLimit} processes and threads (pidsLimit), and is refused more`;
  }

  /** Ends all that is left of it. */
  async release(): Promise<void> {
    if (this.#group !== undefined) await this.#groups.remove(this.#group);
  }
}

/** What is above the daemon's folders is not in the plugin's view alone. */
async function checkWayTo(folder: string, user: string): Promise<void> {
  for (let above = dirname(folder); above !== dirname(above); above = dirname(above)) {
    if (((await stat(above)).mode & 0o001) === 0)
      throw failedPrecondition(
        `user "${user}" of the plugin cannot reach ${folder}: ${above} lets other users not pass (chmod o+x ${above}, or give pouch.user of the manifest up)`,
      );
  }
}

/** Its package is the daemon's still, to be read by it; its state is its own. Neither can be reached by others: see `UserView`. */
async function giveTo(name: string, { hidden }: ConfinementDeps, belongings: PluginBelongings): Promise<UserView> {
  const { directory } = belongings;
  const stateDirectory = belongings.stateDirectory();
  const { uid, gid } = await resolveUser(name);
  for (const folder of hidden) await checkWayTo(folder, name);
  await runProgram("chmod", ["-R", "a+rX", directory]);
  if ((await stat(stateDirectory)).uid !== uid) await runProgram("chown", ["-R", "-h", `${uid}:${gid}`, stateDirectory]);
  return { uid, gid, hidden, shown: [directory, stateDirectory] };
}
