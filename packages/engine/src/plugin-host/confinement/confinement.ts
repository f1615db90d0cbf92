import { failedPrecondition } from "@pouchcontainer/errors";
import { runProgram } from "@pouchcontainer/owners";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { chown, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ProcessSurroundings } from "../guarded-process.ts";
import { showMore, type UserView } from "./as-user.ts";
import type { PluginGroup, PluginLimits } from "./plugin-group.ts";
import type { PluginGroups } from "./plugin-groups.ts";
import { reachesNetwork } from "./network-access.ts";
import { resolveUser, type ProcessUser } from "./process-user.ts";

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

/** Whose a confinement is, and what it gets of what the daemon has. */
interface Confined {
  /** In words. */
  who: string;
  limits: PluginLimits;
  /** Whether it is in the host's network. */
  reachesNetwork: boolean;
  group: PluginGroup | undefined;
  user: UserView | undefined;
  environment?: Readonly<Record<string, string>>;
}

/**
 * What one instance of a plugin is held to, in all processes that the daemon starts for it: limits, a user of its own, and no network. Those
 * that share a process have the limits in common.
 */
export class Confinement {
  /** The whole environment its assistants may have of the daemon's, where it runs as a user of its own. */
  readonly environment: Readonly<Record<string, string>> | undefined;
  readonly #deps: ConfinementDeps;
  readonly #confined: Confined;
  #user: UserView | undefined;

  private constructor(deps: ConfinementDeps, confined: Confined) {
    this.#deps = deps;
    this.#confined = confined;
    this.#user = confined.user;
    this.environment = confined.user && confined.environment;
  }

  static async of(deps: ConfinementDeps, belongings: PluginBelongings): Promise<Confinement> {
    const { manifest, environment } = belongings;
    const user = manifest.user === undefined ? undefined : await giveTo(manifest.user, deps, belongings);
    const group = await deps.groups.make(manifest.name, manifest);
    const who = `plugin "${manifest.name}"`;
    const confined = { who, limits: manifest, reachesNetwork: reachesNetwork(manifest), group, user, environment };
    return new Confinement(deps, confined);
  }

  /** Of the processes of a group of plugins that are made as this one's is: what is one plugin's comes by `within`. */
  static async ofShared(deps: ConfinementDeps, group: string, manifest: PluginManifest): Promise<Confinement> {
    const user = manifest.user === undefined ? undefined : await resolveUser(manifest.user);
    return new Confinement(deps, {
      who: `shared process "${group}"`,
      limits: manifest,
      reachesNetwork: reachesNetwork(manifest),
      group: await deps.groups.make(`shared-${group}`, manifest),
      user: user && { ...user, hidden: deps.hidden, shown: [], showsMore: true },
    });
  }

  /** Of one plugin that shares what this is of: it has the same limits, and what it owns is its own. This one outlives it. */
  async within(belongings: PluginBelongings): Promise<Confinement> {
    const { manifest, environment } = belongings;
    const user = manifest.user === undefined ? undefined : await giveTo(manifest.user, this.#deps, belongings);
    return new Confinement(this.#deps, { ...this.#confined, user, environment });
  }

  /** Whether the kernel holds it to its limit of memory. */
  get limitsMemory(): boolean {
    return this.#confined.group?.limitsMemory ?? false;
  }

  /** Whom its processes run as. Default: root. */
  get user(): ProcessUser | undefined {
    return this.#user;
  }

  /** Shows the folder of its sockets, and hands over the one on which it asks the daemon. */
  async showSockets(folder: string, hostSocket: string): Promise<void> {
    await this.give(hostSocket);
    this.#user &&= { ...this.#user, shown: [...this.#user.shown, folder] };
  }

  /** Hands over a file or folder, but not what is in it. */
  async give(path: string): Promise<void> {
    if (this.#user !== undefined) await chown(path, this.#user.uid, this.#user.gid);
  }

  /** Shows a process of those that plugins share what this one of them sees. */
  async showTo(pid: number): Promise<void> {
    if (this.#user !== undefined) await showMore(pid, this.#user.hidden, this.#user.shown);
  }

  /** What its own process is started in; one that plugins share sees `more` of the daemon's folders. */
  async ofItself(more: readonly string[] = []): Promise<ProcessSurroundings> {
    return { ...(await this.ofAssistant(more)), ...(!this.#confined.reachesNetwork && { network: "none" }) };
  }

  /** What an assistant is started in: the permission to start them is that to work on the host, in its network. */
  async ofAssistant(more: readonly string[] = []): Promise<ProcessSurroundings> {
    const user = this.#user && { ...this.#user, shown: [...this.#user.shown, ...more] };
    return { groups: (await this.#confined.group?.forProcess()) ?? [], ...(user && { user }) };
  }

  /** In words, that one of its processes was ended for want of memory. */
  get outOfMemory(): string {
    const { who, limits } = this.#confined;
    return `${who} reached its limit of ${limits.memoryLimitMb} MB of memory (memoryLimitMb)`;
  }

  /** In words, that it could not start another process or thread; undefined where it could. */
  refusedForks(process: readonly string[]): string | undefined {
    const { who, limits, group } = this.#confined;
    if (group === undefined || group.refusedForks(process) === 0) return undefined;
    return `${who} reached its limit of ${limits.pidsLimit} processes and threads (pidsLimit), and is refused more`;
  }

  /** Ends all that is left of it. */
  async release(): Promise<void> {
    const { group } = this.#confined;
    if (group !== undefined) await this.#deps.groups.remove(group);
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
