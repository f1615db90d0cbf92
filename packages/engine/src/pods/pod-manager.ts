import { inBackground } from "@pouchcontainer/owners";
import type { Socket } from "node:net";
import type { PodMembership } from "../containers/pod-membership.ts";
import { KeyedMutex } from "../keyed-mutex.ts";
import { listPods, type PodFilter } from "./list-pods.ts";
import { membershipOf, type MembershipOptions } from "./membership-of.ts";
import { noticeEnd } from "./notice-end.ts";
import type { PodNetworkStatus } from "./network/pod-network.ts";
import type { PodConfig, PodResources } from "./pod-config.ts";
import type { PodDeps } from "./pod-deps.ts";
import type { PodRecord } from "./pod-record.ts";
import { findPod, requirePod, type PodRoom } from "./pod-room.ts";
import { requireReady } from "./require-ready.ts";
import { checkNetworks, recoverPods } from "./recover-pods.ts";
import { finishRemovals } from "./finish-removals.ts";
import { removePod } from "./remove-pod.ts";
import { runPod, type RunOptions } from "./run-pod.ts";
import { stopPod } from "./stop-pod.ts";
import { updatePodResources } from "./update-pod.ts";

/** Pods: what containers of one are given to share. References are ids, or prefixes of them that only one has. */
export class PodManager {
  readonly #room: PodRoom;
  readonly #closing = new AbortController();

  constructor(deps: PodDeps) {
    this.#room = { deps, locks: new KeyedMutex(), names: new Map(), open: this.#closing.signal };
  }

  /** Makes a pod; it is ready when this resolves, and there is nothing of it when it rejects. */
  run(config: PodConfig, options: RunOptions = {}): Promise<PodRecord> {
    return runPod(this.#room, config, options);
  }

  /** Ends its containers and gives back what it has; nothing happens when that was done. A cancelled request does not cancel it. */
  stop(ref: string): Promise<void> {
    return stopPod(this.#room, ref);
  }

  /** Stops it, removes its containers and forgets it; nothing happens when it is gone. */
  remove(ref: string): Promise<void> {
    return removePod(this.#room, ref);
  }

  find(ref: string): PodRecord | undefined {
    const found = findPod(this.#room, ref);
    return found && noticeEnd(this.#room, found);
  }

  /** Throws `notFound`. */
  get(ref: string): PodRecord {
    return noticeEnd(this.#room, requirePod(this.#room, ref));
  }

  /** Throws `notFound`, and `failedPrecondition` for one that containers cannot be put into or started in. */
  requireReady(ref: string): PodRecord {
    return requireReady(this.#room, ref);
  }

  list(filter: PodFilter = {}): PodRecord[] {
    return listPods(this.#room, filter);
  }

  updateResources(ref: string, limits: { resources?: PodResources; overhead?: PodResources }): Promise<void> {
    return updatePodResources(this.#room, ref, limits);
  }

  /** What a container that is made in this pod has of it; throws as `requireReady` does. */
  membershipOf(podId: string, options: MembershipOptions): PodMembership {
    return membershipOf(requireReady(this.#room, podId), this.#room.deps.roots, options);
  }

  /**
   * Creates a container, or does something else, while the pod is ready and stays so: a stop or removal of the pod waits, and then finds
   * what was made. One at a time. Throws as `requireReady` does.
   */
  async whileReady<T>(podId: string, work: (pod: PodRecord) => Promise<T>): Promise<T> {
    const { id } = requireReady(this.#room, podId);
    return await this.#room.locks.run(id, () => work(requireReady(this.#room, id)));
  }

  /** What it has used until now; of one that ended nothing is known. */
  usage(ref: string): ReturnType<PodDeps["kernel"]["usage"]> {
    return this.#room.deps.kernel.usage(this.get(ref));
  }

  /** Connects with a port on the pod's loopback; the pod's end is the connection's. Rejects with `unavailable` where nobody listens. */
  async connect(ref: string, port: number, signal?: AbortSignal): Promise<Socket> {
    const { kernel } = this.#room.deps;
    const pod = this.requireReady(ref);
    const socket = await kernel.connect(pod, port, signal);
    // Stopped meanwhile, it has broken off what there was by then.
    if (this.find(pod.id)?.state !== "ready") socket.destroy();
    return socket;
  }

  networkStatus(): PodNetworkStatus {
    return this.#room.deps.network.status();
  }

  /** Once, before containers are recovered and before anything is asked. */
  recover(): Promise<void> {
    return recoverPods(this.#room);
  }

  /** Once, after containers are recovered: removals the daemon before had begun go on, and networks are looked at, behind its back. */
  resume(): void {
    inBackground("removals of pods that were begun", () => finishRemovals(this.#room));
    inBackground("a look at the networks of pods", () => checkNetworks(this.#room));
  }

  /** Ends what belongs to this process; pods live on. No operation is under way any more. */
  close(): void {
    this.#closing.abort();
    this.#room.deps.kernel.close();
  }
}
