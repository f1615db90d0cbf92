import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleFacts } from "../containers/config/sample-settings.ts";
import { EventBus } from "../events/index.ts";
import { type SystemDeps, SystemManager, type SystemSettings } from "./index.ts";

const settings: SystemSettings = {
  id: "d0f6a3c4",
  version: "1.2.3",
  commit: "abcdef",
  buildTime: "",
  apiVersion: "1.47",
  minApiVersion: "1.22",
  homeDirectory: "/var/lib/pouch",
  snapshotter: "overlayfs",
  debug: false,
  safeMode: false,
  labels: [],
  loggingDriver: "json-file",
  logDrivers: ["json-file", "none"],
  networkDrivers: ["bridge", "host", "null"],
  cgroupDriver: "cgroupfs",
  runtimes: { runc: "/usr/sbin/runc" },
  defaultRuntime: "runc",
  defaultCgroupnsMode: "",
  liveRestore: true,
  insecureRegistries: ["10.0.0.0/8", "registry.local:5000"],
  registryMirrors: [],
  env: { HTTP_PROXY: "http://me:secret@proxy:3128" },
};

function manager(changes: Partial<SystemDeps> = {}): SystemManager {
  const clock = { now: () => 1_767_323_045_500_000_000n };
  return new SystemManager({
    facts: sampleFacts(),
    machine: { hostname: "h", machine: "x86_64", architecture: "amd64", operatingSystem: "Debian", osVersion: "12" },
    settings,
    clock,
    events: new EventBus({ clock }),
    programs: { of: async (path) => (path === "/usr/sbin/runc" ? { version: "1.1.5", commit: "c0ffee" } : undefined) },
    containerd: { version: async () => ({ version: "1.6.20", revision: "r1" }), address: "/run/c.sock", namespace: "pouch" },
    backup: () => Promise.reject(new Error("no store here")),
    storeIsOpen: async () => undefined,
    containers: { statuses: () => ["running", "paused", "exited", "created"], withSizes: async () => [] },
    images: { count: async () => 3, diskUsage: async () => ({ layersSize: 7, images: [] }) },
    volumes: { usage: async () => [] },
    checkAuth: async () => ({ Status: "Login Succeeded", IdentityToken: "" }),
    ...changes,
  });
}

test("info counts containers by state and hides a proxy's password", async () => {
  const info = await manager().info();
  assert.deepEqual([info.Containers, info.ContainersRunning, info.ContainersPaused, info.ContainersStopped], [4, 1, 1, 2]);
  assert.equal(info.Images, 3);
  assert.equal(info.HttpProxy, "http://xxxxx:xxxxx@proxy:3128");
  assert.deepEqual(info.RegistryConfig?.InsecureRegistryCIDRs, ["127.0.0.0/8", "10.0.0.0/8"]);
  assert.equal(info.RegistryConfig?.IndexConfigs["registry.local:5000"]?.Secure, false);
  assert.equal(info.Warnings, null, "a machine that has everything is warned of nothing");
});

test("info warns of what this kernel lacks, in Docker's words", async () => {
  const facts = sampleFacts({ ipv4Forwarding: false });
  const info = await manager({ facts: { ...facts, cgroup: { ...facts.cgroup, swapLimit: false } } }).info();
  assert.deepEqual(info.Warnings, ["WARNING: No swap limit support", "WARNING: IPv4 forwarding is disabled"]);
});

test("info warns of safe mode", async () => {
  const info = await manager({ settings: { ...settings, safeMode: true } }).info();
  assert.deepEqual(info.Warnings, ["WARNING: Safe mode: no plugin is started or called"]);
});

test("cgroup v2 has no OOM switch, and that is no warning", async () => {
  const facts = sampleFacts();
  const info = await manager({ facts: { ...facts, cgroup: { ...facts.cgroup, version: 2, oomKillDisable: false } } }).info();
  assert.equal(info.Warnings, null);
  assert.equal(info.CgroupVersion, "2");
  assert.ok(info.SecurityOptions.includes("name=cgroupns"));
});

test("version names each component that is installed", async () => {
  const version = await manager().version();
  assert.deepEqual(
    version.Components?.map(({ Name, Version }) => `${Name} ${Version}`),
    ["Engine 1.2.3", "containerd 1.6.20", "runc 1.1.5"],
  );
  assert.deepEqual([version.ApiVersion, version.MinAPIVersion, version.Os, version.Arch], ["1.47", "1.22", "linux", "amd64"]);
});

test("disk usage looks only at what was asked for", async () => {
  assert.deepEqual(await manager().diskUsage(["volume"]), { Volumes: [] });
  assert.deepEqual(await manager().diskUsage([]), { LayersSize: 7, Images: [], Containers: [], Volumes: [], BuildCache: [] });
  await assert.rejects(manager().diskUsage(["foo"]), { message: "unknown object type: foo" });
});

test("version and info show the containerd that answered last while none does", async () => {
  let alive = true;
  const containerd = {
    version: async () => {
      if (!alive) throw new Error("no containerd");
      return { version: "1.6.20", revision: "abc" };
    },
    address: "",
    namespace: "",
  };
  const system = manager({ containerd });
  await system.version();
  alive = false;
  assert.equal((await system.version()).Components?.[1]?.Version, "1.6.20");
  assert.equal((await system.info()).ContainerdCommit.ID, "abc");
});

test("ping fails when containerd does not answer", async () => {
  const dead = { version: () => Promise.reject(new Error("no containerd")), address: "", namespace: "" };
  await assert.rejects(manager({ containerd: dead }).ping(), /no containerd/);
});

test("a good ping is not asked again within a second, a bad one is", async () => {
  let now = 1_000_000_000_000n;
  let asked = 0;
  let alive = true;
  const containerd = {
    version: async () => {
      asked++;
      if (!alive) throw new Error("no containerd");
      return { version: "1", revision: "1" };
    },
    address: "",
    namespace: "",
  };
  const system = manager({ containerd, clock: { now: () => now } });
  await system.ping();
  await system.ping();
  assert.equal(asked, 1);
  now += 1_000_000_000n;
  alive = false;
  await assert.rejects(system.ping());
  await assert.rejects(system.ping());
  assert.equal(asked, 3);
});
