import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerConfig, HostConfig } from "@pouchcontainer/api";
import { EngineError, isKind } from "@pouchcontainer/errors";
import { deepFreeze } from "@pouchcontainer/plugin-sdk/host";
import { checkedContainerName } from "./container-name.ts";
import { verifyCreate } from "./normalise-create.ts";
import { sampleConfigSettings, sampleFacts } from "./sample-settings.ts";

const verify = (hostConfig: HostConfig, config: ContainerConfig = {}, facts = sampleFacts()) =>
  verifyCreate(deepFreeze({ Image: "busybox", ...config, HostConfig: hostConfig }), facts, sampleConfigSettings());

/** Requests and the words dockerd 20.10 answers them with, recorded from one. */
const refused: [HostConfig, string, ContainerConfig?][] = [
  [{ Memory: 1000 }, "Minimum memory limit allowed is 6MB"],
  [{ Memory: 10_000_000, MemorySwap: 9_000_000 }, "Minimum memoryswap limit should be larger than memory limit, see usage"],
  [{ MemorySwap: 90_000_000 }, "You should always set the Memory limit when using Memoryswap limit, see usage"],
  [{ NanoCpus: 9e9 }, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
  [{ NanoCpus: 1e9, CpuQuota: 5000 }, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"],
  [{ RestartPolicy: { Name: "x" } }, "invalid restart policy 'x'"],
  [
    { RestartPolicy: { Name: "always", MaximumRetryCount: 3 } },
    "maximum retry count cannot be used with restart policy 'always'",
  ],
  [{ RestartPolicy: { Name: "on-failure", MaximumRetryCount: -3 } }, "maximum retry count cannot be negative"],
  [{ AutoRemove: true, RestartPolicy: { Name: "always" } }, "can't create 'AutoRemove' container with restart policy"],
  [{ PortBindings: { "x/tcp": [] } }, 'invalid port specification: "x"'],
  [{ PortBindings: { "80/tcp": [{ HostPort: "abc" }] } }, 'invalid port specification: "abc"'],
  [{ PortBindings: { "80/foo": [{ HostPort: "1" }] } }, 'invalid port specification: "80/foo"'],
  [{ PortBindings: { "80/tcp": [{ HostIp: "999", HostPort: "1" }] } }, "invalid IP address: 999"],
  [{ PortBindings: { "80/tcp": [{ HostIp: "fe80::1%eth0" }] } }, "invalid IP address: fe80::1%eth0"],
  [{ CapAdd: ["foo"] }, 'invalid CapAdd: unknown capability: "CAP_FOO"'],
  [{ CapDrop: ["foo"] }, 'invalid CapDrop: unknown capability: "CAP_FOO"'],
  [{ LogConfig: { Type: "foo" } }, 'error looking up logging plugin foo: plugin "foo" not found'],
  [{ LogConfig: { Type: "json-file", Config: { foo: "1" } } }, "unknown log opt 'foo' for json-file log driver"],
  [{ LogConfig: { Config: { mode: "x" } } }, "logger: logging mode not supported: x"],
  [{ Runtime: "foo" }, "Unknown runtime specified foo"],
  [{}, "Invalid signal: foo", { StopSignal: "foo" }],
  [{}, "the working directory 'foo' is invalid, it needs to be an absolute path", { WorkingDir: "foo" }],
  [{}, "invalid environment variable: =x", { Env: ["=x"] }],
  [{}, "Interval in Healthcheck cannot be less than 1ms", { Healthcheck: { Test: ["CMD", "x"], Interval: 5 } }],
  [{}, "Retries in Healthcheck cannot be negative", { Healthcheck: { Retries: -5 } }],
  [{ Dns: ["192.0.2.1", "foo"] }, "invalid IP address: foo"],
  [{ Dns: ["1.2.3.4:99999"] }, "invalid IP address: 1.2.3.4:99999"],
  [{ ExtraHosts: ["x"] }, 'bad format for add-host: "x"'],
  [{ ExtraHosts: ["x:y"] }, 'invalid IP address in add-host: "y"'],
  [{ NetworkMode: "container:c1" }, "conflicting options: hostname and the network mode", { Hostname: "x" }],
  [{ NetworkMode: "container:" }, "Invalid network mode: invalid container format container:<name|id>"],
  [
    { NetworkMode: "container:c1", PublishAllPorts: true },
    "conflicting options: port publishing and the container type network mode",
  ],
  [{ UTSMode: "host" }, "conflicting options: hostname and the UTS mode", { Hostname: "x" }],
  [{ CgroupnsMode: "foo" }, "invalid cgroup namespace mode: foo"],
  [{ IpcMode: "foo" }, "invalid IPC mode: foo"],
  [{ ShmSize: -1 }, "SHM size can not be less than 0"],
  [{ OomScoreAdj: -1001 }, "Invalid value -1001, range for oom score adj is [-1000, 1000]"],
  [{ SecurityOpt: ["foo"] }, 'invalid --security-opt 1: "foo"'],
  [{ SecurityOpt: ["foo=bar"] }, 'invalid --security-opt 2: "foo=bar"'],
  [{ Isolation: "foo" }, `Invalid isolation: "foo" - linux only supports 'default'`],
  [{ CpusetCpus: "9" }, "Requested CPUs are not available - requested 9, available: 0-1"],
  [{ CpusetCpus: "x" }, "Invalid value x for cpuset cpus: invalid format: x"],
  [{ CpusetMems: "9" }, "Requested memory nodes are not available - requested 9, available: 0"],
  [{ BlkioWeight: 5 }, "Range of blkio weight is from 10 to 1000"],
  [{ CpuPeriod: 5 }, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"],
  [{ CpuShares: -1 }, "invalid CPU shares (-1): value must be a positive integer"],
  [{ CpuQuota: 5 }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
  [{ CpuRealtimeRuntime: 50, CpuRealtimePeriod: 5 }, "cpu real-time runtime cannot be higher than cpu real-time period"],
  [{ MemorySwappiness: 500 }, "Invalid value: 500, valid memory swappiness range is 0-100"],
  [{ IOMaximumIOps: 5 }, "Invalid QoS settings: linux does not support configuration of maximum IOPs"],
  [{ Ulimits: [{ Name: "foo" }] }, "invalid ulimit type: foo"],
  [{ DeviceCgroupRules: ["x"] }, "invalid device cgroup rule format: 'x'"],
];

/** Requests that dockerd takes, whose containers never start. */
const uncarried: typeof refused = [
  [{}, "Env[0] must not contain a NUL", { Env: ["A=1\0"] }],
  [{ Tmpfs: { "/a": "size=1m\0" } }, 'HostConfig.Tmpfs["/a"] must not contain a NUL'],
  [{ Sysctls: { "net.a\0": "1" } }, 'HostConfig.Sysctls["net.a\\u0000"] must not contain a NUL'],
  [{ CgroupParent: "/a\nb" }, 'cgroup-parent must not contain control characters: "/a\\nb"'],
  [{}, "Hostname has 66 bytes; the kernel takes at most 64", { Hostname: "ü".repeat(33) }],
];

for (const [hostConfig, message, config] of [...refused, ...uncarried])
  test(`create is refused: ${message}`, () => {
    assert.throws(
      () => verify(hostConfig, config),
      (error) => isKind(error, "invalidArgument") && error.message === message,
    );
  });

test("a container name needs two of the allowed characters", () => {
  for (const name of ["a", "-ab", "a b", "/x"])
    assert.throws(() => checkedContainerName(name), {
      message: `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    });
  assert.equal(checkedContainerName("/web.1-a_b"), "web.1-a_b");
});

test("what this kernel cannot limit is discarded with Docker's warning", () => {
  const facts = sampleFacts();
  const without = sampleFacts({ cgroup: { ...facts.cgroup, blkioWeight: false, swapLimit: false, oomKillDisable: false } });
  const { hostConfig, warnings } = verify({ BlkioWeight: 50, Memory: 64e6, OomKillDisable: true }, {}, without);
  assert.deepEqual(warnings, [
    "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
    "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.",
  ]);
  assert.equal(hostConfig.BlkioWeight, 0);
  assert.equal(hostConfig.MemorySwap, -1);
  assert.equal(hostConfig.OomKillDisable, undefined);
});

test("published ports on the host's network and a lone OOM switch are warned about", () => {
  const { warnings } = verify({ NetworkMode: "host", PortBindings: { "80/tcp": [{ HostPort: "1" }] }, OomKillDisable: true });
  assert.deepEqual(warnings, [
    "Published ports are discarded when using host network mode",
    "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
  ]);
});

test("the request itself is never changed", () => {
  const request = deepFreeze({ Image: "busybox", HostConfig: { MemorySwappiness: -1, PidsLimit: 0 } });
  verifyCreate(request, sampleFacts(), sampleConfigSettings());
  assert.deepEqual(request.HostConfig, { MemorySwappiness: -1, PidsLimit: 0 });
});

test("an empty body is refused as Docker does", () => {
  assert.throws(
    () => verifyCreate({ HostConfig: {} }, sampleFacts(), sampleConfigSettings()),
    (error) => error instanceof EngineError && error.message === "Config cannot be empty in order to create a container",
  );
});

test("what the daemon itself may not do is said at create", () => {
  const facts = sampleFacts({
    boundingCapabilities: sampleFacts().boundingCapabilities.filter((name) => name !== "CAP_SYS_RESOURCE"),
    mayRaiseLimits: false,
  });
  assert.deepEqual(verify({ CapAdd: ["SYS_RESOURCE"], OomScoreAdj: -5 }, {}, facts).warnings, [
    "The daemon does not hold CAP_SYS_RESOURCE and cannot give it to a container. Capability discarded.",
    "The daemon may not lower oom_score_adj to -5; its own value 0 is used.",
  ]);
});
