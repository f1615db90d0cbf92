import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkSettings } from "@pouchcontainer/api";
import { type ContainerRecord, type ContainerState, zeroTime } from "../container-record.ts";
import { parseRfc3339 } from "../clock.ts";
import { sampleRecord } from "../spec/sample-record.ts";
import { containerPredicate } from "./container-filters.ts";
import { containerInspect } from "./container-inspect.ts";
import { ContainerSummaries, summaryJson } from "./container-summaries.ts";
import { humanDuration } from "./human-duration.ts";
import { statusText } from "./status-text.ts";

const noNetwork: NetworkSettings = {
  Bridge: "",
  SandboxID: "",
  SandboxKey: "",
  Ports: {},
  EndpointID: "",
  Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  MacAddress: "",
  Networks: { none: { NetworkID: "fba82f4e" } },
};
const start = "2026-01-02T03:04:05.5Z";
const after = (seconds: number): bigint => (parseRfc3339(start) ?? 0n) + BigInt(seconds) * 1_000_000_000n;
const state = (changes: Partial<ContainerState>): ContainerState => ({
  ...sampleRecord().state,
  startedAt: start,
  finishedAt: start,
  ...changes,
});

test("a span of time reads as in docker ps", () => {
  const spans: [number, string][] = [
    [0, "Less than a second"],
    [1, "1 second"],
    [59, "59 seconds"],
    [60, "About a minute"],
    [150, "2 minutes"],
    [3599, "59 minutes"],
    [3600, "About an hour"],
    [5400, "2 hours"],
    [47 * 3600, "47 hours"],
    [48 * 3600, "2 days"],
    [14 * 86400, "2 weeks"],
    [60 * 86400, "2 months"],
    [800 * 86400, "2 years"],
  ];
  for (const [seconds, text] of spans) assert.equal(humanDuration(BigInt(seconds) * 1_000_000_000n), text);
});

test("each state has Docker's status text", () => {
  assert.equal(statusText(state({ status: "running" }), after(3)), "Up 3 seconds");
  assert.equal(statusText(state({ status: "paused" }), after(7200)), "Up 2 hours (Paused)");
  const health = { status: "starting" as const, failingStreak: 0, log: [] };
  assert.equal(statusText(state({ status: "running", health }), after(3)), "Up 3 seconds (health: starting)");
  assert.equal(
    statusText(state({ status: "running", health: { ...health, status: "healthy" } }), after(3)),
    "Up 3 seconds (healthy)",
  );
  assert.equal(statusText(state({ status: "exited", exitCode: 137 }), after(120)), "Exited (137) 2 minutes ago");
  assert.equal(statusText(state({ status: "restarting", exitCode: 1 }), after(5)), "Restarting (1) 5 seconds ago");
  assert.equal(statusText(state({ status: "created", startedAt: zeroTime, finishedAt: zeroTime }), after(5)), "Created");
  assert.equal(statusText(state({ status: "dead" }), after(5)), "Dead");
  assert.equal(statusText(state({ status: "removing" }), after(5)), "Removal In Progress");
});

/** Keys of `docker inspect` as dockerd 20.10 prints them for a container of an image that sets nothing. */
const dockerKeys = {
  "": "Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name RestartCount Driver Platform MountLabel ProcessLabel AppArmorProfile ExecIDs HostConfig GraphDriver Mounts Config NetworkSettings",
  State: "Status Running Paused Restarting OOMKilled Dead Pid ExitCode Error StartedAt FinishedAt",
  HostConfig:
    "Binds ContainerIDFile LogConfig NetworkMode PortBindings RestartPolicy AutoRemove VolumeDriver VolumesFrom CapAdd CapDrop CgroupnsMode Dns DnsOptions DnsSearch ExtraHosts GroupAdd IpcMode Cgroup Links OomScoreAdj PidMode Privileged PublishAllPorts ReadonlyRootfs SecurityOpt UTSMode UsernsMode ShmSize Runtime ConsoleSize Isolation CpuShares Memory NanoCpus CgroupParent BlkioWeight BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime CpusetCpus CpusetMems Devices DeviceCgroupRules DeviceRequests KernelMemory KernelMemoryTCP MemoryReservation MemorySwap MemorySwappiness OomKillDisable PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth MaskedPaths ReadonlyPaths",
  Config:
    "Hostname Domainname User AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce Env Cmd Image Volumes WorkingDir Entrypoint OnBuild Labels",
};

test("inspect has exactly Docker's keys, and Pouch's own Snapshotter", () => {
  const shown = containerInspect(sampleRecord(), { execIds: [], networkSettings: noNetwork });
  const keysOf = (value: object): string[] => Object.keys(value).sort();
  assert.deepEqual(keysOf(shown), [...dockerKeys[""].split(" "), "Snapshotter"].sort());
  assert.deepEqual(keysOf(shown.State), dockerKeys.State.split(" ").sort());
  assert.deepEqual(keysOf(shown.HostConfig), dockerKeys.HostConfig.split(" ").sort());
  assert.deepEqual(keysOf(shown.Config), dockerKeys.Config.split(" ").sort());
  assert.equal(shown.ExecIDs, null);
  assert.equal(shown.Name, "/web");
});

test("a paused container counts as running, and execs are listed while there are any", () => {
  const shown = containerInspect(sampleRecord({ state: state({ status: "paused", pid: 7 }) }), {
    execIds: ["e1"],
    networkSettings: noNetwork,
  });
  assert.deepEqual([shown.State.Running, shown.State.Paused, shown.State.Pid], [true, true, 7]);
  assert.deepEqual(shown.ExecIDs, ["e1"]);
});

test("a summary is built once and again only when something it shows changes", () => {
  const summaries = new ContainerSummaries();
  const facts = { networkSettings: noNetwork, image: "busybox" };
  const record = sampleRecord({ state: state({ status: "running" }), path: "sh", args: ["-c", "echo hi"] });
  const first = summaries.summary(record, facts, after(150));
  assert.equal(first.Command, "sh -c 'echo hi'");
  assert.equal(first.Created, 1767323045);
  assert.equal(summaries.summary(record, facts, after(170)), first);
  assert.notEqual(summaries.summary(record, facts, after(190)), first, "the status says 3 minutes now");
  assert.deepEqual(JSON.parse(summaryJson(first)), first);
  assert.equal(summaryJson(first), summaryJson(first));
});

test("known containers are listed without writing their JSON again", (t) => {
  const summaries = new ContainerSummaries();
  const facts = { networkSettings: noNetwork, image: "busybox" };
  const records = Array.from({ length: 100 }, (_, index) =>
    sampleRecord({ id: String(index).padStart(64, "0"), name: `c${index}` }),
  );
  const list = (): string => records.map((record) => summaryJson(summaries.summary(record, facts, after(1)))).join();
  const first = list();
  const written = t.mock.method(JSON, "stringify");
  assert.equal(list(), first);
  assert.equal(written.mock.callCount(), 0);
});

test("published and exposed ports are listed", () => {
  const networkSettings = { ...noNetwork, Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }], "53/udp": null } };
  const summary = new ContainerSummaries().summary(sampleRecord(), { networkSettings, image: "x" }, after(0));
  assert.deepEqual(summary.Ports, [
    { IP: "0.0.0.0", PrivatePort: 80, Type: "tcp", PublicPort: 8080 },
    { PrivatePort: 53, Type: "udp" },
  ]);
});

const web = sampleRecord({
  name: "web",
  id: "a".repeat(64),
  created: "2026-01-01T00:00:00.000000001Z",
  config: { Labels: { tier: "front" }, ExposedPorts: { "80/tcp": {} } },
  hostConfig: { PortBindings: { "8080/udp": [] } },
  mountPoints: [{ type: "volume", name: "data", source: "/v", destination: "/data", mode: "z", rw: true, propagation: "" }],
  state: state({ status: "exited", exitCode: 3 }),
});
const db = sampleRecord({ name: "db", id: "b".repeat(64), created: "2026-01-01T00:00:00.000000002Z" });

function names(filters: Record<string, string[]>): string[] {
  const all: ContainerRecord[] = [web, db];
  const predicate = containerPredicate(filters, {
    container: (ref) => all.find(({ name }) => name === ref),
    idOfPrefix: (prefix) => all.find(({ id }) => id.startsWith(prefix))?.id,
    imageIds: (reference) => (reference === "busybox" ? [web.image.id] : []),
    networkSettings: ({ name }) => ({
      ...noNetwork,
      Ports: name === "db" ? { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }], "53/udp": null } : {},
    }),
  });
  return all.filter(predicate).map(({ name }) => name);
}

test("filters select as Docker's do", () => {
  assert.deepEqual(names({ name: ["^/we"] }), ["web"]);
  assert.deepEqual(names({ id: ["bbb"] }), ["db"]);
  assert.deepEqual(names({ id: ["^bbb"] }), []);
  assert.deepEqual(names({ "is-task": ["true"] }), []);
  assert.deepEqual(names({ label: ["tier", "tier=front"] }), ["web"]);
  assert.deepEqual(names({ label: ["tier=back"] }), []);
  assert.deepEqual(names({ status: ["created", "running"] }), ["db"]);
  assert.deepEqual(names({ exited: ["0", "3"] }), ["web"]);
  assert.deepEqual(names({ since: ["web"] }), ["db"]);
  assert.deepEqual(names({ before: ["db"] }), ["web"]);
  assert.deepEqual(names({ volume: ["/data"] }), ["web"]);
  assert.deepEqual(names({ volume: ["data"] }), ["web"]);
  assert.deepEqual(names({ network: ["none"] }), ["web", "db"]);
  assert.deepEqual(names({ network: ["fba82f"] }), ["web", "db"]);
  assert.deepEqual(names({ expose: ["79-81"] }), ["db"]);
  assert.deepEqual(names({ expose: ["53/udp"] }), ["db"]);
  assert.deepEqual(names({ publish: ["8080"] }), ["db"]);
  assert.deepEqual(names({ publish: ["80", "8080/udp"] }), []);
  assert.deepEqual(names({ ancestor: ["busybox"] }), ["web", "db"]);
  assert.deepEqual(names({ health: ["none"] }), ["web", "db"]);
  assert.deepEqual(names({ "is-task": ["true"] }), []);
});

test("bad filters are refused in Docker's words", () => {
  const refused: [Record<string, string[]>, string][] = [
    [{ foo: ["x"] }, "invalid filter 'foo'"],
    [{ status: ["foo"] }, "invalid filter 'status=foo'"],
    [{ health: ["foo"] }, "Unrecognised filter value for health: foo"],
    [{ exited: ["x"] }, 'strconv.Atoi: parsing "x": invalid syntax'],
    [{ before: ["nope"] }, "no such container nope"],
    [{ "is-task": ["foo"] }, "invalid filter 'is-task=[foo]'"],
    [{ publish: ["x/foo"] }, 'error while looking up for publish x/foo: strconv.ParseUint: parsing "x": invalid syntax'],
  ];
  for (const [filters, message] of refused) assert.throws(() => names(filters), { message });
});
