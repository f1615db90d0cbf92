import type { Step } from "../step.ts";

const versions = ["1.22", "1.24", "1.25", "1.29", "1.30", "1.31", "1.35", "1.39", "1.40", "none"];

/** What clients of every age ask for most. */
export const versionCalls: Step[] = [
  {
    call: "POST /containers/create?name=old",
    note: "for all versions",
    body: { Image: "busybox", Cmd: ["sleep", "1000"], Healthcheck: { Test: ["CMD", "true"], Interval: 3_600_000_000_000 } },
    binds: "old",
  },
  { call: "POST /containers/old/start" },
  ...versions.flatMap((version): Step[] => [
    { call: "GET /containers/old/json", version, unordered: ["ExecIDs"] },
    { call: "GET /containers/json?all=1", version },
    { call: "GET /images/json", version },
    { call: "GET /images/busybox/json", version },
    { call: "GET /networks/bridge", version },
    { call: "GET /volumes", version },
    { call: "GET /system/df", version },
    { call: "GET /info", version, varies: ["NFd", "NGoroutines"] },
    { call: "POST /containers/prune", version },
    { call: "POST /containers/old/exec", version, body: { Cmd: ["true"], Env: ["A=b"], WorkingDir: "/" } },
  ]),
  { call: "GET /containers/old/stats?stream=0&one-shot=1", version: "1.40", varies: ["*"] },
  { call: "GET /containers/old/json", note: "execs", unordered: ["ExecIDs"] },
  { call: "DELETE /containers/old?force=1" },
  {
    call: "POST /containers/create?name=late",
    version: "1.22",
    body: { Image: "busybox", Cmd: ["sleep", "1000"] },
  },
  {
    call: "POST /containers/late/start",
    version: "1.22",
    note: "with a HostConfig",
    body: { Binds: ["late:/data"], NetworkMode: "none", Memory: 67_108_864, ReadonlyRootfs: true },
  },
  {
    call: "GET /containers/late/json",
    note: "with a HostConfig",
    unordered: ["Mounts"],
    varies: ["Mounts.*.Name", "Mounts.*.Source"],
  },
  {
    call: "GET /containers/json",
    note: "with a HostConfig",
    unordered: ["*.Mounts"],
    varies: ["*.Mounts.*.Name", "*.Mounts.*.Source"],
  },
  { call: "POST /containers/late/start", version: "1.23", note: "while it runs", body: { HostConfig: { NetworkMode: "host" } } },
  { call: "POST /containers/late/kill" },
  { call: "POST /containers/late/wait", note: "killed" },
  { call: "POST /containers/late/start", version: "1.23", note: "in an object", body: { HostConfig: { PidsLimit: 20 } } },
  {
    call: "GET /containers/late/json",
    note: "in an object",
    unordered: ["Mounts"],
    varies: ["Mounts.*.Name", "Mounts.*.Source"],
  },
  { call: "POST /containers/late/start", version: "1.23", note: "wrong type", body: { HostConfig: { Memory: "x" } } },
  { call: "DELETE /containers/late?force=1&v=1" },
  { call: "DELETE /volumes/late" },
  ...versions.flatMap((version): Step[] => [
    {
      call: "POST /containers/create?name=aged",
      version,
      body: {
        Image: "busybox",
        Memory: 67_108_864,
        MemorySwap: -1,
        CpuShares: 512,
        Cpuset: "0",
        HostConfig: {
          AutoRemove: true,
          IpcMode: "",
          Mounts: [{ Type: "volume", Target: "/v", ...(version === "none" ? {} : { TmpfsOptions: { SizeBytes: 1 } }) }],
        },
      },
    },
    { call: "GET /containers/aged/json", version, varies: ["Mounts.0.Name", "Mounts.0.Source"] },
    { call: "DELETE /containers/aged?v=1", version },
    {
      call: "POST /containers/create?name=aged",
      note: "limits at the top alone",
      version,
      body: { Image: "busybox", Memory: 67_108_864, Cpuset: "0", Binds: ["/etc:/x"] },
    },
    { call: "GET /containers/aged/json", note: "limits at the top alone", version },
    { call: "DELETE /containers/aged?v=1", note: "limits at the top alone", version },
  ]),
];
