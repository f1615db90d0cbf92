import type { ContainerInspect, ContainerSummary, NetworkInspect } from "@pouchcontainer/api";
import type { ContainerdClient } from "@pouchcontainer/containerd";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Daemon } from "../harness/daemon.ts";
import { controlGroupsBelow, interfaces, isAlive, mountsIn, namesIn, processes, publishedPorts } from "./machine-state.ts";

const shortId = (id: string): string => id.slice(0, 12);

/**
 * Holds what the daemon says against containerd, the kernel and the disk: records, tasks, snapshots, leases, mounts, namespaces,
 * addresses, rules, control groups, processes, folders. Returns each difference in words; nothing may be under way meanwhile.
 */
export async function disagreements(daemon: Daemon, containerd: ContainerdClient): Promise<string[]> {
  const containers = await inspectAll(daemon);
  // One that waits for its restart is "running" to Docker's clients, and has no process.
  const live = containers.filter(({ State }) => State.Running && !State.Restarting);
  return [
    ...(await withContainerd(containers, live, containerd)),
    ...withProcesses(daemon, live),
    ...withFolders(daemon, containers, live),
    ...(await withNetworks(daemon, live)),
    ...(await withVolumes(daemon)),
    ...(await withCounters(daemon)),
  ];
}

/** The same of networks alone. */
export async function networkDisagreements(daemon: Daemon): Promise<string[]> {
  return withNetworks(
    daemon,
    (await inspectAll(daemon)).filter(({ State }) => State.Running),
  );
}

async function inspectAll(daemon: Daemon): Promise<ContainerInspect[]> {
  const listed = (await daemon.api("GET", "/containers/json?all=1")).json<ContainerSummary[]>();
  const answers = await Promise.all(listed.map(({ Id }) => daemon.api("GET", `/containers/${Id}/json`)));
  return answers.filter(({ status }) => status === 200).map((answer) => answer.json<ContainerInspect>());
}

async function withContainerd(
  containers: ContainerInspect[],
  live: ContainerInspect[],
  containerd: ContainerdClient,
): Promise<string[]> {
  const [taskList, snapshotList, leaseList, recordList] = await Promise.all([
    containerd.tasks.list(),
    containerd.snapshots("overlayfs").list(),
    containerd.leases.list(),
    containerd.containers.list(),
  ]);
  const ids = new Set(containers.map(({ Id }) => Id));
  const taskOf = new Map(taskList.map((task) => [task.containerId, task]));
  const active = snapshotList.filter(({ kind }) => kind === "active").map(({ name }) => name);
  return [
    ...live.flatMap(({ Id, State }) => {
      const task = taskOf.get(Id);
      const wanted = State.Paused ? "paused" : "running";
      if (!task) return [`container ${shortId(Id)} is ${State.Status}, containerd has no task of it`];
      if (task.status !== wanted) return [`container ${shortId(Id)} is ${State.Status}, its task ${task.status}`];
      if (task.pid !== State.Pid) return [`container ${shortId(Id)} has pid ${State.Pid}, its task ${task.pid}`];
      return isAlive(task.pid) ? [] : [`container ${shortId(Id)} is ${State.Status} without a process`];
    }),
    ...taskList
      .filter(({ containerId }) => !live.some(({ Id }) => Id === containerId))
      .map(({ containerId, status }) => `a task (${status}) of ${shortId(containerId)}, which does not run`),
    ...differences("snapshot", active, [...ids]),
    ...recordList.filter(({ id }) => !ids.has(id)).map(({ id }) => `containerd's record ${shortId(id)} of no container`),
    ...leaseList.map(({ id }) => `lease ${id}`),
  ];
}

function withProcesses(daemon: Daemon, live: ContainerInspect[]): string[] {
  const ours = processes().filter(({ command }) => command.includes(daemon.directory));
  const shims = ours.flatMap(({ command }) => /containerd-shim\S* .*-id (\S+)/.exec(command)?.[1] ?? []);
  // Those of plugins are none of containers.
  const below = controlGroupsBelow(daemon.cgroupParent).filter((path) => !path.includes("/plugins-"));
  const groups = [...new Set(below.map((path) => path.split("/").at(-1) ?? ""))];
  const runningIds = live.map(({ Id }) => Id);
  return [
    ...differences("shim", shims, runningIds),
    ...ours.filter(({ command }) => /(^|\/)runc /.test(command)).map(({ pid, command }) => `process ${pid} ${command}`),
    ...groups.filter((id) => !runningIds.includes(id)).map((id) => `control group ${id} of no running container`),
    ...runningIds.filter((id) => !groups.includes(id)).map((id) => `no control group of ${shortId(id)}`),
  ];
}

const bundles = "containerd/io.containerd.runtime.v2.task/pouch";

function withFolders(daemon: Daemon, containers: ContainerInspect[], live: ContainerInspect[]): string[] {
  const running = new Set(live.map(({ Id }) => Id));
  const belongsToRunning = (place: string): boolean => place.split("/").some((name) => running.has(name));
  return [
    ...differences(
      "folder of a container",
      namesIn(join(daemon.homeDirectory, "containers")),
      containers.map(({ Id }) => Id),
    ),
    ...namesIn(join(daemon.execRoot, "containers"))
      .filter((id) => !running.has(id))
      .map((id) => `runtime folder ${shortId(id)} of no running container`),
    ...Object.entries({
      bundle: join(daemon.execRoot, bundles),
      "working folder of a bundle": join(daemon.homeDirectory, bundles),
      "state of runc": join(daemon.execRoot, "runc/pouch"),
    }).flatMap(([what, folder]) => differences(what, namesIn(folder), [...running])),
    ...mountsIn(daemon.directory)
      .filter((place) => !belongsToRunning(place))
      .map((place) => `mount ${place}`),
  ];
}

async function withNetworks(daemon: Daemon, live: ContainerInspect[]): Promise<string[]> {
  const networks = await Promise.all(
    (await daemon.api("GET", "/networks"))
      .json<NetworkInspect[]>()
      .map(async ({ Id }) => (await daemon.api("GET", `/networks/${Id}`)).json<NetworkInspect>()),
  );
  const withNamespace = live.filter(({ NetworkSettings }) => NetworkSettings.SandboxKey.startsWith(daemon.directory));
  const keys = withNamespace.map(({ NetworkSettings }) => NetworkSettings.SandboxKey);
  const links = interfaces();
  return [
    ...differences(
      "network namespace",
      namesIn(join(daemon.execRoot, "netns")),
      keys.map((key) => key.split("/").at(-1) ?? ""),
    ),
    ...differences("published port", publishedPorts(daemon.nftTable).map(String), hostPorts(live)),
    ...networks
      .filter(({ Driver }) => Driver === "bridge")
      .flatMap((network) => {
        const members = withNamespace.filter(({ NetworkSettings: { Networks } }) =>
          Object.values(Networks).some(({ NetworkID }) => NetworkID === network.Id),
        );
        const bridge =
          network.Name === "bridge"
            ? daemon.bridge
            : (network.Options?.["com.docker.network.bridge.name"] ?? `br-${shortId(network.Id)}`);
        const ends = links.filter(({ master }) => master === bridge).length;
        return [
          ...differences(
            `member of network ${network.Name}`,
            Object.keys(network.Containers),
            members.map(({ Id }) => Id),
          ),
          ...(ends === members.length ? [] : [`bridge ${bridge} has ${ends} interfaces for ${members.length} containers`]),
          ...members.flatMap((member) => withoutItsAddress(member, network)),
          ...twice(Object.values(network.Containers).map(({ IPv4Address }) => IPv4Address)).map(
            (address) => `address ${address} is given twice in ${network.Name}`,
          ),
        ];
      }),
  ];
}

/** The address of the record is on an interface of the process's own namespace. */
function withoutItsAddress({ Id, State, NetworkSettings }: ContainerInspect, network: NetworkInspect): string[] {
  const address = Object.values(NetworkSettings.Networks).find(({ NetworkID }) => NetworkID === network.Id)?.IPAddress ?? "";
  try {
    if (readFileSync(`/proc/${State.Pid}/net/fib_trie`, "utf8").includes(`|-- ${address}\n`)) return [];
  } catch {
    // Gone since: the next look tells.
  }
  return [`${shortId(Id)} lacks its address ${address} of network ${network.Name}`];
}

/** One place of a port counts once, however many families of addresses it has. */
function hostPorts(live: ContainerInspect[]): string[] {
  return live.flatMap(({ NetworkSettings: { Ports } }) =>
    Object.values(Ports ?? {}).flatMap((bindings) => (bindings ?? []).map(({ HostPort }) => HostPort ?? "")),
  );
}

async function withVolumes(daemon: Daemon): Promise<string[]> {
  const { Volumes } = (await daemon.api("GET", "/volumes")).json<{ Volumes: { Name: string }[] | null }>();
  return differences(
    "folder of a volume",
    namesIn(join(daemon.homeDirectory, "volumes")),
    (Volumes ?? []).map(({ Name }) => Name),
  );
}

async function withCounters(daemon: Daemon): Promise<string[]> {
  const { text } = await daemon.api("GET", "/metrics");
  return text.split("\n").filter((line) => /^pouch_uncaught_errors_total\S* [1-9]/.test(line));
}

/** What is on one side only; numbers of times do not matter. */
function differences(what: string, found: string[], wanted: string[]): string[] {
  const [have, want] = [new Set(found), new Set(wanted)];
  return [
    ...[...have.difference(want)].map((name) => `${what} ${shortId(name)} is there and should not be`),
    ...[...want.difference(have)].map((name) => `${what} ${shortId(name)} should be there and is not`),
  ];
}

function twice(values: string[]): string[] {
  return values.filter((value, index) => value !== "" && values.indexOf(value) !== index);
}
