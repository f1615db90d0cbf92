import type { CniNetworkList, CniResult } from "../networks/cni/cni-config.ts";
import type { CniTarget } from "../networks/cni/cni-runner.ts";
import type { TraceEntry } from "../plugin-host/trace.ts";
import type { PodConfig } from "./pod-config.ts";

/** Everything that is remembered of one pod. Never changed in place: a change is a new object. */
export interface PodRecord {
  /** 64 lower-case hex digits. */
  id: string;
  config: PodConfig;
  /** RFC 3339 with nanoseconds, UTC. */
  created: string;
  /** `making`: its run was not answered; it is shown to nobody, and what there is of it goes. */
  state: "making" | "ready" | "notReady";
  /** The machine's boot id when it was made: of another boot nothing of it is left in the kernel. */
  boot: string;
  /** Present from before the first plugin is called until the last one has given everything back. */
  network?: PodAttachment;
  /** Its addresses, the one that stands for it first; they stay known after its end. */
  ips: string[];
  /** Folders of control groups that pods made: each removes its own when they are empty. */
  groups: string[];
  /** Holds the pid namespace its containers share. */
  init?: { pid: number; startTime: string };
  /** Everything it had on the machine was given back. */
  stopped?: boolean;
  /** Calls of plugins that shaped it, newest last. */
  trace?: TraceEntry[];
  /** A removal of it has begun, and can only go on. */
  removing?: boolean;
}

/** What a pod's network was asked of, which is what it is asked back of, whatever the configuration has become. */
export interface PodAttachment {
  list: CniNetworkList;
  target: CniTarget;
  /** Absent until the plugins have answered. */
  result?: CniResult;
}
