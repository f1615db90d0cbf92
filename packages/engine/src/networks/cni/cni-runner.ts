import { internal, messageChain, unavailable } from "@pouchcontainer/errors";
import { lastWords, programOutcome } from "@pouchcontainer/owners";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { CniNetworkList, CniPluginConfig, CniResult } from "./cni-config.ts";

/** A plugin may ask a DHCP server or a controller; one that hangs must not keep its container's lock for ever. */
const pluginTimeoutMs = 120_000;

/** Where a chain of plugins works. */
export interface CniTarget {
  containerId: string;
  /** Empty when the namespace is gone already; plugins then give back what they hold elsewhere. */
  netnsPath: string;
  interfaceName: string;
  /** `K8S_POD_NAME=web;…` */
  args?: string;
  /** Values for the capabilities the plugins declare: `portMappings`, `bandwidth`, `ips`, `mac`… */
  runtimeConfig?: Record<string, unknown>;
}

export interface CniRunnerDeps {
  binDirectories: string[];
  env: NodeJS.ProcessEnv;
}

/** Runs CNI plugins as the specification says (0.3.1 to 1.0.0): a process each, configuration on stdin, result on stdout. */
export class CniRunner {
  readonly #deps: CniRunnerDeps;

  constructor(deps: CniRunnerDeps) {
    this.#deps = deps;
  }

  /** Path of a plugin's program. */
  find(type: string): string | undefined {
    if (!/^[A-Za-z0-9_.-]+$/.test(type)) return undefined;
    return this.#deps.binDirectories
      .map((directory) => join(directory, type))
      .find((path) => {
        try {
          accessSync(path, constants.X_OK);
          return true;
        } catch {
          return false;
        }
      });
  }

  /** ADD through the chain; a plugin that fails has those before it undone. */
  async add(list: CniNetworkList, target: CniTarget): Promise<CniResult> {
    let result: CniResult | undefined;
    try {
      for (const plugin of list.plugins) result = (await this.#run("ADD", list, plugin, target, result)) ?? result;
    } catch (error) {
      await this.remove(list, target, result).catch(() => undefined);
      throw error;
    }
    return result ?? {};
  }

  /** DEL through the chain, last plugin first. Succeeds when there is nothing left. */
  async remove(list: CniNetworkList, target: CniTarget, result?: CniResult): Promise<void> {
    for (const plugin of list.plugins.toReversed()) await this.#run("DEL", list, plugin, target, result);
  }

  /** CHECK through the chain: throws what is not as ADD left it. */
  async check(list: CniNetworkList, target: CniTarget, result: CniResult): Promise<void> {
    for (const plugin of list.plugins) await this.#run("CHECK", list, plugin, target, result);
  }

  async #run(
    command: "ADD" | "DEL" | "CHECK",
    list: CniNetworkList,
    plugin: CniPluginConfig,
    target: CniTarget,
    previous: CniResult | undefined,
  ): Promise<CniResult | undefined> {
    const program = this.find(plugin.type);
    if (program === undefined)
      throw unavailable(`the CNI plugin "${plugin.type}" is in none of ${this.#deps.binDirectories.join(", ")}`);
    const { capabilities, ...rest } = plugin;
    const runtimeConfig = Object.fromEntries(
      Object.entries(target.runtimeConfig ?? {}).filter(([key]) => capabilities?.[key] === true),
    );
    const config = {
      ...rest,
      cniVersion: list.cniVersion,
      name: list.name,
      ...(Object.keys(runtimeConfig).length > 0 ? { runtimeConfig } : {}),
      ...(previous ? { prevResult: previous } : {}),
    };
    const env = {
      ...this.#deps.env,
      CNI_COMMAND: command,
      CNI_CONTAINERID: target.containerId,
      CNI_NETNS: target.netnsPath,
      CNI_IFNAME: target.interfaceName,
      CNI_PATH: this.#deps.binDirectories.join(":"),
      ...(target.args === undefined ? {} : { CNI_ARGS: target.args }),
    };
    const outcome = await programOutcome(program, [], { env, input: JSON.stringify(config), timeoutMs: pluginTimeoutMs });
    const { stdout } = outcome;
    if (outcome.status !== 0)
      throw internal(`CNI plugin ${plugin.type} (${command}) failed: ${failureText(stdout) || lastWords(outcome)}`);
    // What a plugin prints on success is a result by the specification.
    return command === "ADD" && stdout.trim() !== "" ? resultOf(stdout, plugin) : undefined;
  }
}

function resultOf(stdout: string, { type }: CniPluginConfig): CniResult {
  try {
    return JSON.parse(stdout) as CniResult;
  } catch (error) {
    throw internal(`CNI plugin ${type} (ADD) printed no result in JSON: ${messageChain(error)}`, { cause: error });
  }
}

/** Plugins report a failure as `{ code, msg, details }` on stdout. */
function failureText(stdout: string): string {
  try {
    const { msg = "", details = "" } = JSON.parse(stdout) as { msg?: string; details?: string };
    return [msg, details].filter((part) => part !== "").join(": ");
  } catch {
    return stdout.trim();
  }
}
