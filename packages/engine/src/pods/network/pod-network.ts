import { messageChain, unavailable } from "@pouchcontainer/errors";
import type { CniNetworkList, CniResult } from "../../networks/cni/cni-config.ts";
import type { CniRunner, CniTarget } from "../../networks/cni/cni-runner.ts";
import { isNamespace } from "../is-namespace.ts";
import type { PodConfig } from "../pod-config.ts";
import type { PodAttachment } from "../pod-record.ts";
import { firstNetworkList } from "./first-list.ts";
import { podInterface, podTarget } from "./pod-target.ts";

export interface PodNetworkDeps {
  runner: Pick<CniRunner, "find" | "add" | "remove" | "check" | "collect">;
  configDirectory: string;
  /** Milliseconds the plugins have for one pod; each that gives back has as many. */
  timeoutMs: number;
}

/** The condition `NetworkReady` of CRI's Status. */
export interface PodNetworkStatus {
  ready: boolean;
  /** One word; "" when it is ready. */
  reason: string;
  message: string;
}

/** The network pods are in, by CNI plugins. Records are the caller's: what it has not kept, nobody gives back. */
export class PodNetwork {
  readonly #deps: PodNetworkDeps;

  constructor(deps: PodNetworkDeps) {
    this.#deps = deps;
  }

  /** What is about to be asked of the plugins, to be kept before it is. Calls none; one that is missing could not give back either. */
  plan(id: string, config: PodConfig, netnsPath: string): PodAttachment {
    const list = firstNetworkList(this.#deps.configDirectory);
    const missing = this.#missing(list);
    if (missing !== undefined) throw unavailable(missing);
    return { list, target: podTarget(id, config, netnsPath) };
  }

  attach({ list, target }: PodAttachment, signal?: AbortSignal): Promise<CniResult> {
    return this.#deps.runner.add(list, target, { ...this.#bounds, ...(signal && { signal }) });
  }

  /** Gives everything back; any number of times. */
  detach({ list, target, result }: PodAttachment): Promise<void> {
    return this.#deps.runner.remove(list, present(target), result, this.#bounds);
  }

  /** Throws what is not as the plugins left it. Of lists that are not to be asked, nothing is known. */
  async check({ list, target, result }: PodAttachment, signal: AbortSignal): Promise<void> {
    if (result === undefined || list.disableCheck === true || list.cniVersion.startsWith("0.3.")) return;
    await this.#deps.runner.check(list, target, result, { ...this.#bounds, signal });
  }

  /**
   * Lets the plugins give back what belongs to none of these pods. Lists before 1.1.0 have no such command: `strays`, what was found of
   * pods nobody knows, is taken back one by one.
   */
  async collect(attachments: readonly PodAttachment[], strays: readonly { id: string; netnsPath: string }[]): Promise<void> {
    const list = this.#list();
    if (list === undefined) return;
    for (const { id, netnsPath } of strays)
      await this.detach({ list, target: { containerId: id, netnsPath, interfaceName: podInterface } }).catch(() => undefined);
    if (list.cniVersion !== "1.1.0") return;
    const valid = attachments.map(({ target }) => ({ containerID: target.containerId, ifname: target.interfaceName }));
    await this.#deps.runner.collect(list, valid, this.#bounds);
  }

  /** Whether a pod could be connected now, as far as can be told without one. */
  status(): PodNetworkStatus {
    const reason = "NetworkPluginNotReady";
    try {
      const missing = this.#missing(firstNetworkList(this.#deps.configDirectory));
      if (missing === undefined) return { ready: true, reason: "", message: "" };
      return { ready: false, reason, message: `Network plugin returns error: ${missing}` };
    } catch (error) {
      return { ready: false, reason, message: `Network plugin returns error: ${messageChain(error)}` };
    }
  }

  #missing({ plugins }: CniNetworkList): string | undefined {
    const missing = plugins.find(({ type }) => this.#deps.runner.find(type) === undefined);
    return missing && `the CNI plugin "${missing.type}" is not installed`;
  }

  get #bounds(): { timeoutMs: number } {
    return { timeoutMs: this.#deps.timeoutMs };
  }

  #list(): CniNetworkList | undefined {
    try {
      return firstNetworkList(this.#deps.configDirectory);
    } catch {
      return undefined;
    }
  }
}

/** After a reboot the namespace is gone; plugins then give back what they hold elsewhere. */
function present(target: CniTarget): CniTarget {
  return isNamespace(target.netnsPath) ? target : { ...target, netnsPath: "" };
}
