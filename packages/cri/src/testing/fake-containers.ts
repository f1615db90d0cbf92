import type { ContainerRecord, ContainerResources, StateChange, CreateOrigin, PodRecord } from "@pouchcontainer/engine";
import { conflict, failedPrecondition, notFound, notModified } from "@pouchcontainer/errors";
import type { ContainersDeps, CreateBody, CriContainers, Metrics } from "../containers/containers-deps.ts";
import type { AttachRequest, ExecRequest } from "../streaming/backend.ts";
import { FakeImages } from "./fake-images.ts";

const never = "0001-01-01T00:00:00Z";

/** An id that is easily told. */
export const idOf = (name: string): string => Buffer.from(name).toString("hex").padEnd(64, "0").slice(0, 64);

export function podRecord(name: string, config: Partial<PodRecord["config"]> = {}): PodRecord {
  return {
    id: idOf(name),
    config: {
      metadata: { name, uid: "u1", namespace: "shop", attempt: 0 },
      hostname: name,
      domainname: "",
      logDirectory: `/var/log/pods/${name}`,
      ports: [],
      labels: {},
      annotations: {},
      namespaces: { network: "pod", ipc: "pod", pid: "container" },
      cgroupParent: "",
      sysctls: {},
      privileged: false,
      runtimeHandler: "",
      ...config,
    },
    created: "2026-01-02T03:04:05.000000006Z",
    state: "ready",
    boot: "b",
    ips: [],
    groups: [],
  };
}

/** A container as the engine makes it of a body. */
export function containerRecord(
  body: CreateBody,
  { pod, cri }: CreateOrigin,
  changes: Partial<ContainerRecord> = {},
): ContainerRecord {
  const { HostConfig, NetworkingConfig = {}, Name: name = "c", ...config } = body;
  const { seccompPath: _path, imageVolumes: _volumes, ...settings } = cri ?? {};
  return {
    id: idOf(name),
    name,
    created: "2026-01-02T03:04:05.000000006Z",
    config,
    hostConfig: HostConfig,
    networkingConfig: NetworkingConfig,
    image: { id: `sha256:${idOf("busybox")}`, reference: body.Image ?? "", manifestDigest: "", chainId: "" },
    snapshotter: "overlayfs",
    driver: "overlayfs",
    mountPoints: [],
    state: { status: "created", pid: 0, exitCode: 0, error: "", oomKilled: false, startedAt: never, finishedAt: never },
    restartCount: 0,
    manuallyStopped: false,
    path: "sh",
    args: [],
    logPath: pod?.logPath ?? "",
    hostnamePath: "",
    hostsPath: "",
    resolvConfPath: "",
    platform: "linux",
    ...(pod && { pod }),
    ...(cri && { cri: settings }),
    ...changes,
  };
}

/** Containers in memory, and what was asked of them. */
export class FakeContainers implements CriContainers {
  readonly all: ContainerRecord[];
  readonly asked: unknown[] = [];
  readonly created: { body: CreateBody; from: CreateOrigin }[] = [];
  readonly counted = new Map<string, Metrics>();
  counts = 0;

  constructor(...all: ContainerRecord[]) {
    this.all = all;
  }

  async create(body: CreateBody, from: CreateOrigin): Promise<{ Id: string }> {
    if (this.all.some(({ name }) => name === body.Name)) throw conflict(`the name ${body.Name} is in use`);
    this.created.push({ body, from });
    const record = containerRecord(body, from);
    this.all.push(record);
    return { Id: record.id };
  }

  async start(id: string): Promise<void> {
    if (this.#get(id).state.status === "running") throw notModified("it runs");
    this.change(id, { status: "running", pid: 77, startedAt: "2026-01-02T03:04:06Z" });
  }

  async stop(id: string, options: { signal?: string; timeoutSeconds?: number }): Promise<void> {
    this.asked.push(["stop", options]);
    if (this.#get(id).state.status !== "running") throw notModified("it is stopped");
    this.change(id, { status: "exited", exitCode: 137, pid: 0, finishedAt: "2026-01-02T03:04:07Z" });
  }

  async remove(id: string, options: object): Promise<void> {
    this.asked.push(["remove", options]);
    this.all.splice(this.all.indexOf(this.#get(id)), 1);
  }

  async updateResources(id: string, resources: ContainerResources): Promise<void> {
    this.asked.push(["update", this.#get(id).id, resources]);
  }

  async reopenLog(id: string): Promise<void> {
    if (this.#get(id).state.status !== "running") throw failedPrecondition("it does not run");
    this.asked.push(["reopen", id]);
  }

  records(): ContainerRecord[] {
    return [...this.all];
  }

  async metrics(): Promise<Map<string, Metrics>> {
    return this.counted;
  }

  async writtenBytes(ids: readonly string[]): Promise<Map<string, number>> {
    this.counts++;
    return new Map(ids.map((id) => [id, 4096]));
  }

  change(id: string, state: Partial<ContainerRecord["state"]>): void {
    const record = this.#get(id);
    this.all[this.all.indexOf(record)] = { ...record, state: { ...record.state, ...state } };
  }

  #get(id: string): ContainerRecord {
    const found = this.all.find((record) => record.id === id);
    if (found === undefined) throw notFound(`No such container: ${id}`);
    return found;
  }
}

export class FakePods {
  readonly all: PodRecord[];

  constructor(...all: PodRecord[]) {
    this.all = all;
  }

  readonly find = (ref: string): PodRecord | undefined => this.all.find(({ id }) => id === ref);

  readonly requireReady = (ref: string): PodRecord => {
    const pod = this.find(ref);
    if (pod === undefined) throw notFound(`no such pod: ${ref}`);
    if (pod.state !== "ready") throw failedPrecondition(`pod ${ref} is not ready`);
    return pod;
  };

  readonly membershipOf: ContainersDeps["pods"]["membershipOf"] = (podId, { logPath, pid }) => ({
    podId,
    namespaces: { network: "/net", ipc: "/ipc", uts: "/uts", pid: typeof pid === "object" ? pid.path : (pid ?? "") },
    files: {},
    logPath,
  });

  async whileReady<T>(podId: string, work: (pod: PodRecord) => Promise<T>): Promise<T> {
    return await work(this.requireReady(podId));
  }
}

export const fakeChains = (change: ContainersDeps["chains"]["criPreCreateContainer"]): ContainersDeps["chains"] => ({
  criPreCreateContainer: change,
  traceOf: () => [],
});

/** Calls' world: one pod, `web`, and whatever a test puts into it. */
export function containersDeps(containers: FakeContainers, more: Partial<ContainersDeps> = {}): ContainersDeps {
  const url = (kind: string) => (request: ExecRequest | AttachRequest) => `http://127.0.0.1/${kind}/${request.containerId}`;
  return {
    containers,
    pods: new FakePods(podRecord("web")),
    chains: fakeChains(async (body) => body),
    exec: { runSync: async () => ({ exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }) },
    images: new FakeImages(),
    streams: { execUrl: url("exec"), attachUrl: url("attach") },
    stateChanges: () => noChanges(),
    snapshotsFolder: async () => "/var/lib/snapshots",
    hasSeccomp: true,
    apparmorProfiles: () => ["docker-default", "strict"],
    hostName: () => "host",
    now: () => 1_700_000_000_000_000_000n,
    ...more,
  };
}

async function* noChanges(): AsyncGenerator<StateChange> {
  // Nothing becomes of any.
}
