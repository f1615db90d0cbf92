import type { ContainerCreateConfig, ContainerInspect, ExecCreateConfig } from "@pouchcontainer/api";
import type { Readable } from "node:stream";
import type { Awaitable, PluginCall, ValidateCall } from "./plugin-call.ts";

/** A program that runs before the container's entrypoint, as an OCI pre-start hook in the daemon's mount namespace. */
export interface PreStartHook {
  /** Integer; bigger runs first. The network is set up at 0: above it the network namespace is bare, below it is complete. */
  priority: number;
  /** Absolute path of the program on the host, then its arguments. */
  args: string[];
  /** Environment as `KEY=value`, besides `POUCH_PROCESS_MARK`, by which what the hook began is known. Default: empty. */
  env?: string[];
  /** Seconds, 1 to 300, until the hook and what it began are ended and the start fails. Default: 30. */
  timeoutSeconds?: number;
}

/** An endpoint about to be made: one container's place in one network. */
export interface Endpoint {
  readonly networkName: string;
  readonly networkId: string;
  readonly driver: string;
  /** Integer; the endpoint with the highest one gives the container its default route. Default: 0. */
  priority: number;
  /** True leaves the embedded DNS resolver out, so that the container asks the host's name servers. */
  disableResolver: boolean;
  /** Handed to the network driver as they are. */
  genericParams: Record<string, unknown>;
  /** An address of the network's subnet to ask for; absent: the next free one. */
  ipv4Address?: string;
  ipv6Address?: string;
  macAddress?: string;
  aliases: string[];
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
  driverOptions: Record<string, string>;
}

/** How a container's process ended. */
export interface ContainerExit {
  /** 128 and the signal's number where a signal ended it. */
  readonly exitCode: number;
  /** The kernel ended it, or something in it, for want of memory. */
  readonly oomKilled: boolean;
}

/**
 * Points in the life of a container. Every method is optional. A point that changes a body gets a draft of its own:
 * change it in place or return another one; throw to refuse, and the draft is forgotten.
 */
export interface ContainerPlugin {
  /** First thing in every create, whatever asked for it. Every field may be changed. A throw fails the create; nothing was allocated. */
  preCreate?(config: ContainerCreateConfig, call: PluginCall): Awaitable<ContainerCreateConfig | void>;
  /** After the last `preCreate` of all plugins: look at the final body, and at who changed what of it, and throw to refuse it. Both are frozen. */
  validateCreate?(config: Readonly<ContainerCreateConfig>, call: ValidateCall): Awaitable<void>;
  /**
   * A container was created, whatever asked for it; its plugins are told while it may already be started. Nothing waits, and a throw is logged and traced
   * only: the container stays.
   */
  postCreate?(container: Readonly<ContainerInspect>, call: PluginCall): Awaitable<void>;
  /** Every start, those by a restart policy included. The container is what `inspect` shows; return hooks for the OCI spec. */
  preStart?(container: Readonly<ContainerInspect>, call: PluginCall): Awaitable<PreStartHook[] | void>;
  /**
   * The container's process runs, whoever started it: a client, Kubernetes, a restart policy. Nothing waits, and a throw is logged and traced only: what
   * runs is not stopped. It may have ended by the time that the plugin is told.
   */
  postStart?(container: Readonly<ContainerInspect>, call: PluginCall): Awaitable<void>;
  /** Before each endpoint is made: at start for every network, and at `network connect`. */
  preCreateEndpoint?(id: string, env: readonly string[], endpoint: Endpoint, call: PluginCall): Awaitable<Endpoint | void>;
  /** Every update, before anything decodes the body. Returns the body to use; `readJson` and `jsonStream` help. */
  preUpdate?(body: Readable, call: PluginCall): Awaitable<Readable | void>;
  /**
   * After an update took effect. `rootfs` is the container's root on the host, with links the container may have made:
   * `writeInRootfs` follows none. `env` is its recorded environment, to change in
   * place or to return anew. A throw tells the client that the update itself is in force.
   */
  postUpdate?(rootfs: string, env: string[], call: PluginCall): Awaitable<string[] | void>;
  /**
   * Every stop and restart that somebody asks for, before the stop signal; not a kill, a removal by force, or an end of its own. The stop waits for the
   * answer, at most as long as the deadline says. A throw is logged and traced only: the stop goes on.
   */
  preStop?(container: Readonly<ContainerInspect>, call: PluginCall): Awaitable<void>;
  /**
   * The container's process has ended, of itself or by whom ever; also what ended while no daemon ran, when one is there again. Nothing waits, and a
   * throw is logged and traced only. A restart by policy or a removal may have begun.
   */
  postStop?(container: Readonly<ContainerInspect>, exit: ContainerExit, call: PluginCall): Awaitable<void>;
  /**
   * Every exec that somebody asks for, by Kubernetes too, before it is there; not the daemon's own health checks. The container runs; `call.container`
   * names it. Command, user, environment and all else may be changed. A throw fails the exec's create.
   */
  preExec?(config: ExecCreateConfig, call: PluginCall): Awaitable<ExecCreateConfig | void>;
  /**
   * Every removal that somebody asks for: by force, by a prune, with a pod of Kubernetes. Not that of a container made with `--rm` when it ends,
   * which its create asked for. A throw refuses it; nothing was touched, and what runs still runs.
   */
  preRemove?(container: Readonly<ContainerInspect>, call: PluginCall): Awaitable<void>;
}
