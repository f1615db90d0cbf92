import { internal, messageChain, unavailable } from "@pouchcontainer/errors";
import { lastWords, programOutcome } from "@pouchcontainer/owners";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { markVariable } from "../../marked-processes.ts";
import type { CniNetworkList, CniPluginConfig, CniResult } from "./cni-config.ts";

/** A plugin may ask a DHCP server or a controller; one that hangs must not keep its container's lock for ever. */
const defaultTimeoutMs = 120_000;

/** How long the plugins of a chain may take. */
export interface CniBounds {
  /** Milliseconds for the chain as a whole; default: two minutes. What undoes a failed ADD has as many once more. */
  timeoutMs?: number;
  /** Kills the plugin that runs. A chain that is undone is undone all the same. */
  signal?: AbortSignal;
}

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

/** What of a network somebody still has. */
export interface CniAttachment {
  containerID: string;
  ifname: string;
}

type CniCommand = "ADD" | "DEL" | "CHECK" | "GC";

interface PluginCall {
  command: CniCommand;
  program: string;
  list: CniNetworkList;
  plugin: CniPluginConfig;
  target: CniTarget;
  previous: CniResult | undefined;
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

  /** ADD through the chain; a plugin that fails is undone with those before it. */
  async add(list: CniNetworkList, target: CniTarget, bounds: CniBounds = {}): Promise<CniResult> {
    const run = this.#chain(list, target, bounds);
    const begun: CniPluginConfig[] = [];
    let result: CniResult | undefined;
    try {
      for (const plugin of list.plugins) {
        const program = this.#require(plugin);
        begun.push(plugin);
        result = (await run("ADD", plugin, program, result)) ?? result;
      }
    } catch (error) {
      const { timeoutMs } = bounds;
      await this.remove({ ...list, plugins: begun }, target, result, timeoutMs === undefined ? {} : { timeoutMs }).catch(
        () => undefined,
      );
      throw error;
    }
    return result ?? {};
  }

  /**
   * DEL through the chain, last plugin first. Succeeds when there is nothing left. One that fails does not keep the others from
   * giving back what they hold; the first failure is thrown after that.
   */
  async remove(list: CniNetworkList, target: CniTarget, result?: CniResult, bounds: CniBounds = {}): Promise<void> {
    const failures: unknown[] = [];
    for (const plugin of list.plugins.toReversed()) {
      try {
        // Each with the whole time: one that hangs must not take it from the others.
        await this.#chain(list, target, bounds)("DEL", plugin, this.#require(plugin), result);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** CHECK through the chain: throws what is not as ADD left it. The specification has it from 0.4.0 on. */
  async check(list: CniNetworkList, target: CniTarget, result: CniResult, bounds: CniBounds = {}): Promise<void> {
    const run = this.#chain(list, target, bounds);
    for (const plugin of list.plugins) await run("CHECK", plugin, this.#require(plugin), result);
  }

  /** GC through the chain (specification 1.1.0): plugins give back what belongs to none of these attachments. */
  async collect(list: CniNetworkList, valid: readonly CniAttachment[], bounds: CniBounds = {}): Promise<void> {
    const target: CniTarget = { containerId: "", netnsPath: "", interfaceName: "" };
    const run = this.#chain(list, target, bounds);
    for (const plugin of list.plugins)
      await run("GC", { ...plugin, "cni.dev/valid-attachments": valid }, this.#require(plugin), undefined);
  }

  #require({ type }: CniPluginConfig): string {
    const program = this.find(type);
    if (program !== undefined) return program;
    throw unavailable(`the CNI plugin "${type}" is in none of ${this.#deps.binDirectories.join(", ")}`);
  }

  /** Calls of plugins that share one deadline. */
  #chain(list: CniNetworkList, target: CniTarget, { timeoutMs = defaultTimeoutMs, signal }: CniBounds) {
    const deadline = Date.now() + timeoutMs;
    return (command: CniCommand, plugin: CniPluginConfig, program: string, previous: CniResult | undefined) =>
      this.#run(
        { command, program, list, plugin, target, previous },
        {
          timeoutMs: Math.max(1, deadline - Date.now()),
          ...(signal === undefined ? {} : { signal }),
        },
      );
  }

  async #run(call: PluginCall, bounds: { timeoutMs: number; signal?: AbortSignal }): Promise<CniResult | undefined> {
    const { command, program, list, plugin, target, previous } = call;
    const { capabilities, ...rest } = plugin;
    const runtimeConfig = Object.fromEntries(
      Object.entries(target.runtimeConfig ?? {}).filter(([key]) => capabilities?.[key] === true),
    );
    const config = {
      ...rest,
      cniVersion: list.cniVersion,
      name: list.name,
      ...(Object.keys(runtimeConfig).length > 0 ? { runtimeConfig } : {}),
      ...(previous && takesPrevious(command, list.cniVersion) ? { prevResult: previous } : {}),
    };
    const env = {
      ...this.#deps.env,
      // Of a daemon that was killed they go on, and are found by it.
      [markVariable]: target.containerId,
      CNI_COMMAND: command,
      ...(command === "GC"
        ? {}
        : { CNI_CONTAINERID: target.containerId, CNI_NETNS: target.netnsPath, CNI_IFNAME: target.interfaceName }),
      CNI_PATH: this.#deps.binDirectories.join(":"),
      ...(target.args === undefined ? {} : { CNI_ARGS: target.args }),
    };
    const outcome = await programOutcome(program, [], { env, input: JSON.stringify(config), ...bounds });
    const { stdout } = outcome;
    if (outcome.status !== 0)
      throw internal(`CNI plugin ${plugin.type} (${command}) failed: ${failureText(stdout) || lastWords(outcome)}`);
    // What another command prints on success means nothing.
    return command === "ADD" && stdout.trim() !== "" ? resultOf(stdout, plugin) : undefined;
  }
}

/** ADD hands on what the plugin before it made; to the others the specification gives it from 0.4.0 on. */
function takesPrevious(command: CniCommand, version: string): boolean {
  return command === "ADD" || !/^0\.[0-3]\./.test(version);
}

function resultOf(stdout: string, { type }: CniPluginConfig): CniResult {
  let parsed: unknown;
  try {
    parsed = JSON.parse(stdout);
  } catch (error) {
    throw internal(`CNI plugin ${type} (ADD) printed no result in JSON: ${messageChain(error)}`, { cause: error });
  }
  if (!isResult(parsed)) throw internal(`CNI plugin ${type} (ADD) printed something else than a result: ${stdout.slice(0, 200)}`);
  return parsed;
}

/** Of a result only what is read here is checked; the rest goes to the next plugin as it is. */
function isResult(value: unknown): value is CniResult {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { interfaces = [], ips = [] } = value as Record<string, unknown>;
  const haveText = (list: unknown, key: string): boolean =>
    Array.isArray(list) && list.every((each: unknown) => typeof (each as Record<string, unknown> | null)?.[key] === "string");
  return haveText(interfaces, "name") && haveText(ips, "address");
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
