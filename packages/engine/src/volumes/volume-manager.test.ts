import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { VolumeCreateConfig } from "@pouchcontainer/api";
import { invalidArgument, isKind } from "@pouchcontainer/errors";
import { planMounts } from "../containers/config/index.ts";
import type { Collection } from "../store/index.ts";
import { realiseMounts } from "./realise-mounts.ts";
import { VolumeManager, type VolumeManagerDeps } from "./volume-manager.ts";
import type { VolumeRecord } from "./volume-record.ts";

interface Setup {
  manager: VolumeManager;
  root: string;
  events: string[];
  mounts: Map<string, string>;
  using: Record<string, string[]>;
  records: Collection<VolumeRecord> & { failNext?: Error };
  warnings: unknown[];
}

function setup(t: TestContext, preVolumeCreate: (config: VolumeCreateConfig) => VolumeCreateConfig = (config) => config): Setup {
  const root = mkdtempSync(join(tmpdir(), "pouch-volumes-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const map = new Map<string, VolumeRecord>();
  const records: Setup["records"] = {
    get: (id) => map.get(id),
    values: () => map.values(),
    async put(id, value) {
      if (records.failNext) throw records.failNext;
      map.set(id, value);
    },
    async delete(id) {
      map.delete(id);
    },
  };
  const events: string[] = [];
  const mounts = new Map<string, string>();
  const using: Record<string, string[]> = {};
  const warnings: unknown[] = [];
  const manager = new VolumeManager({
    ...managerDeps(root, records),
    chains: { preVolumeCreate: async (config) => preVolumeCreate(config), ask: async () => undefined },
    events: { publish: ({ action, id }) => events.push(`${action} ${id.length === 64 ? "anonymous" : id}`) },
    mounter: {
      mount: async ({ type, device }, target) => void mounts.set(target, `${type}:${device}`),
      unmount: async (target) => void mounts.delete(target),
      isMounted: async (target) => mounts.has(target),
    },
    containersUsing: (name) => using[name] ?? [],
    warn: (_message, fields) => warnings.push(fields),
  });
  return { manager, root, events, mounts, using, records, warnings };
}

function managerDeps(root: string, records: Setup["records"]): Omit<VolumeManagerDeps, "mounter"> {
  return {
    root,
    records,
    chains: { preVolumeCreate: async (config) => config, ask: async () => undefined },
    events: { publish: () => undefined },
    clock: { now: () => 1_767_323_045_500_000_000n },
    sizes: async (folders) =>
      folders.map((folder) => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)),
    containersUsing: () => [],
    warn: () => undefined,
  };
}

test("a removal that a killed daemon had begun is finished at the next start, unless a container has the volume", async (t) => {
  const { manager, root, events, records, using } = setup(t);
  const made: VolumeRecord = { name: "", driver: "local", options: null, labels: null, created: "2026-01-02T03:04:05Z" };
  for (const name of ["going", "used"]) {
    const { Mountpoint } = await manager.create({ Name: name });
    writeFileSync(join(Mountpoint, "file"), "");
    await records.put(name, { ...made, name, removal: true });
  }
  using["used"] = ["a container"];
  await manager.restore([]);
  assert.deepEqual(readdirSync(root), ["used"]);
  assert.equal(records.get("going"), undefined);
  assert.deepEqual(events.at(-1), "destroy going");
});

test("volumes that cannot be unmounted keep neither the others nor the daemon from starting", async (t) => {
  const { manager, mounts, warnings } = setup(t);
  const volumes: string[] = [];
  for (const name of ["busy", "free"]) {
    const { Mountpoint } = await manager.create({ Name: name, DriverOpts: { type: "tmpfs", device: "tmpfs" } });
    mounts.set(Mountpoint, "tmpfs:tmpfs");
    volumes.push(Mountpoint);
  }
  mounts.delete = (target) => {
    if (target === volumes[0]) throw new Error("target is busy");
    return Map.prototype.delete.call(mounts, target);
  };
  await manager.restore([]);
  assert.deepEqual([...mounts.keys()], [volumes[0]]);
  assert.deepEqual(warnings, [{ volume: "busy", error: "target is busy" }]);
});

test("a volume that cannot be unmounted is let go of by the container, and taken down with the next one's use", async (t) => {
  const { manager, mounts } = setup(t);
  await manager.create({ Name: "busy", DriverOpts: { type: "tmpfs", device: "tmpfs" } });
  const place = { containerId: "one", destination: "/data" };
  const how = { rw: true, propagation: "" };
  await manager.mount("busy", { ...place, ...how });
  const takeDown = mounts.delete.bind(mounts);
  mounts.delete = () => {
    throw new Error("target is busy");
  };
  await assert.rejects(manager.unmount("busy", place), /target is busy/);
  await manager.unmount("busy", place);
  await assert.rejects(manager.remove("busy", { force: false }), /target is busy/);
  mounts.delete = takeDown;
  await manager.mount("busy", { ...place, ...how });
  assert.equal(mounts.size, 1);
  await manager.unmount("busy", place);
  assert.equal(mounts.size, 0);
});

test("a removal that fails is not finished by a later start", async (t) => {
  const { manager, root, records } = setup(t);
  const volume = await manager.create({ Name: "data", DriverOpts: { type: "tmpfs", device: "tmpfs" } });
  records.failNext = new Error("the store is gone");
  await assert.rejects(manager.remove("data", { force: false }), /the store is gone/);
  assert.ok(existsSync(volume.Mountpoint));
  delete records.failNext;
  const failing = new VolumeManager({
    ...managerDeps(root, records),
    mounter: {
      mount: async () => undefined,
      isMounted: async () => true,
      unmount: async () => {
        // What it notes first is what counts if the daemon dies here.
        assert.equal(records.get("data")?.removal, true);
        throw new Error("the mount is busy");
      },
    },
  });
  await assert.rejects(failing.remove("data", { force: false }), /the mount is busy/);
  assert.equal(records.get("data")?.removal, undefined);
});

test("a volume is a folder, made once, and goes with its folder", async (t) => {
  const { manager, root, events } = setup(t);
  const volume = await manager.create({ Name: "data", Labels: { a: "b" } });
  assert.deepEqual(volume, {
    CreatedAt: "2026-01-02T03:04:05Z",
    Driver: "local",
    Labels: { a: "b" },
    Mountpoint: join(root, "data/_data"),
    Name: "data",
    Options: null,
    Scope: "local",
  });
  writeFileSync(join(volume.Mountpoint, "kept"), "x");
  assert.deepEqual((await manager.create({ Name: "data" })).Labels, { a: "b" }, "the same name is the same volume");
  assert.ok(existsSync(join(volume.Mountpoint, "kept")));
  await manager.remove("data", { force: false });
  assert.deepEqual(readdirSync(root), []);
  assert.deepEqual(events, ["create data", "destroy data"]);
});

/** Recorded from dockerd 20.10. */
const refused: [VolumeCreateConfig, string, "invalidArgument" | "notFound"][] = [
  [
    { Name: "a b" },
    'create a b: "a b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    "invalidArgument",
  ],
  [{ Name: "x" }, "create x: volume name is too short, names should be at least two alphanumeric characters", "invalidArgument"],
  [{ Name: "x1", Driver: "foo" }, 'create x1: error looking up volume plugin foo: plugin "foo" not found', "notFound"],
  [{ Name: "x2", DriverOpts: { foo: "1" } }, 'create x2: invalid option: "foo"', "invalidArgument"],
  [{ Name: "data", Driver: "foo" }, 'create data: error looking up volume plugin foo: plugin "foo" not found', "notFound"],
  [{ Name: "x4", DriverOpts: { type: "tmpfs" } }, 'create x4: missing required option: "device"', "invalidArgument"],
  [{ Name: "x5", DriverOpts: { o: "size=1m", device: "x" } }, 'create x5: missing required option: "type"', "invalidArgument"],
  [{ Name: "x9", DriverOpts: { size: "1m" } }, "create x9: quota size requested but no quota support", "invalidArgument"],
];

test("a name longer than any file's is the client's mistake", async (t) => {
  const { manager, root } = setup(t);
  const name = "n".repeat(256);
  const path = join(root, name);
  const message = `create ${name}: error while creating volume root path '${path}': mkdir ${path}: file name too long`;
  await assert.rejects(manager.create({ Name: name }), (error) => isKind(error, "invalidArgument") && error.message === message);
  await manager.create({ Name: "n".repeat(255) });
});

for (const [config, message, kind] of refused)
  test(`a volume is refused and leaves nothing: ${message.slice(0, 60)}`, async (t) => {
    const { manager, root, events } = setup(t);
    await assert.rejects(manager.create(config), (error) => isKind(error, kind) && error.message === message);
    assert.deepEqual([readdirSync(root), events], [[], []]);
  });

test("the plugin chain sees every create and may change all of it", async (t) => {
  const seen: VolumeCreateConfig[] = [];
  const { manager } = setup(t, (config) => {
    seen.push(config);
    return { ...config, Name: `team-${config.Name}`, Labels: { team: "a" } };
  });
  const volume = await manager.create({ Name: "data" });
  assert.deepEqual([volume.Name, volume.Labels], ["team-data", { team: "a" }]);
  assert.deepEqual(seen, [{ Name: "data" }]);
});

test("a plugin that refuses, and a store that cannot write, leave no folder behind", async (t) => {
  const refusing = setup(t, () => {
    throw invalidArgument("no volumes today");
  });
  await assert.rejects(refusing.manager.create({ Name: "data" }), { message: "no volumes today" });
  assert.deepEqual(readdirSync(refusing.root), []);

  const full = setup(t);
  full.records.failNext = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  await assert.rejects(full.manager.create({ Name: "data" }), (error) => isKind(error, "resourceExhausted"));
  assert.deepEqual(readdirSync(full.root), []);
});

test("a volume's record is there before its folder, and goes when the folder cannot be made", async (t) => {
  const { manager, root, records } = setup(t);
  const put = records.put.bind(records);
  records.put = async (id, value) => {
    assert.deepEqual(readdirSync(root), []);
    await put(id, value);
  };
  await manager.create({ Name: "data" });
  records.put = async (id, value) => {
    await put(id, value);
    // What a full disk does comes with a file in the way.
    writeFileSync(join(root, "other"), "");
  };
  await assert.rejects(manager.create({ Name: "other" }));
  assert.equal(records.get("other"), undefined);
});

test("after a kill, folders that are missing are made and file systems that nobody uses are taken down", async (t) => {
  const { manager, root, mounts } = setup(t);
  const DriverOpts = { type: "tmpfs", device: "tmpfs" };
  for (const Name of ["plain", "left", "used"]) await manager.create({ Name, ...(Name === "plain" ? {} : { DriverOpts }) });
  rmSync(join(root, "plain"), { recursive: true });
  for (const name of ["left", "used"]) mounts.set(join(root, name, "_data"), "tmpfs:tmpfs");
  await manager.restore([{ name: "used", containerId: "c", destination: "/data" }]);
  assert.ok(existsSync(join(root, "plain/_data")));
  assert.deepEqual([...mounts.keys()], [join(root, "used/_data")]);
});

test("a volume in use is not removed, not even by force; an unknown one only without force is an error", async (t) => {
  const { manager, using } = setup(t);
  await manager.create({ Name: "data" });
  using["data"] = ["c1"];
  await assert.rejects(
    manager.remove("data", { force: true }),
    (error) => isKind(error, "conflict") && error.message === "remove data: volume is in use - [c1]",
  );
  await assert.rejects(manager.remove("nope", { force: false }), { message: "get nope: no such volume" });
  await manager.remove("nope", { force: true });
});

test("options are mounted for the first container and taken down after the last", async (t) => {
  const { manager, mounts, root, events } = setup(t);
  await manager.create({ Name: "ram", DriverOpts: { type: "tmpfs", device: "tmpfs", o: "size=1m" } });
  const at = (containerId: string) => ({ containerId, destination: "/ram", rw: true, propagation: "" });
  const path = await manager.mount("ram", at("c1"));
  await manager.mount("ram", at("c2"));
  assert.deepEqual([...mounts], [[join(root, "ram/_data"), "tmpfs:tmpfs"]]);
  await manager.unmount("ram", at("c1"));
  await manager.unmount("ram", at("c1"));
  assert.equal(mounts.size, 1);
  await manager.unmount("ram", at("c2"));
  assert.equal(mounts.size, 0);
  assert.deepEqual(events.slice(1), ["mount ram", "mount ram", "unmount ram", "unmount ram"]);
  assert.equal(path, join(root, "ram/_data"));
});

test("a volume at two places of a container counts for both, and filling it is told to nobody", async (t) => {
  const { manager, events } = setup(t);
  await manager.create({ Name: "data" });
  await manager.fill("data", { containerId: "c1", destination: "/nowhere" }, async () => false);
  for (const destination of ["/a", "/b"])
    await manager.mount("data", { containerId: "c1", destination, rw: true, propagation: "" });
  await manager.unmount("data", { containerId: "c1", destination: "/a" });
  await assert.rejects(manager.remove("data", { force: false }), { message: "remove data: volume is in use - [c1]" });
  await manager.unmount("data", { containerId: "c1", destination: "/b" });
  await manager.remove("data", { force: false });
  assert.deepEqual(events, ["create data", "mount data", "mount data", "unmount data", "unmount data", "destroy data"]);
});

test("prune takes unnamed volumes that nobody uses, all unused ones when asked", async (t) => {
  const { manager, using } = setup(t);
  const unnamed = await manager.create({});
  writeFileSync(join(unnamed.Mountpoint, "f"), "12345");
  const busy = await manager.create({});
  using[busy.Name] = ["c1"];
  await manager.create({ Name: "named" });
  assert.match(unnamed.Name, /^[0-9a-f]{64}$/);
  assert.deepEqual(await manager.prune({}), { VolumesDeleted: [unnamed.Name], SpaceReclaimed: 5 });
  assert.deepEqual((await manager.prune({ all: ["1"] })).VolumesDeleted, ["named"]);
  await assert.rejects(manager.prune({ until: ["1h"] }), { message: "invalid filter 'until'" });
});

test("list filters by use, label and name", async (t) => {
  const { manager, using } = setup(t);
  await manager.create({ Name: "web-data", Labels: { tier: "front" } });
  await manager.create({ Name: "db-data" });
  using["db-data"] = ["c1"];
  const names = async (filters: Record<string, string[]>) => (await manager.list(filters)).Volumes.map(({ Name }) => Name);
  assert.deepEqual(await names({}), ["db-data", "web-data"]);
  assert.deepEqual(await names({ dangling: ["true"] }), ["web-data"]);
  assert.deepEqual(await names({ label: ["tier=front"] }), ["web-data"]);
  assert.deepEqual(await names({ name: ["^db"] }), ["db-data"]);
  await assert.rejects(async () => manager.list({ dangling: ["x"] }), { message: "invalid filter 'dangling=[x]'" });
  await assert.rejects(async () => manager.list({ foo: ["x"] }), { message: "invalid filter 'foo'" });
});

test("a volume is filled in its own folder, and who fills another is not waited for", async (t) => {
  const { manager } = setup(t);
  const one = await manager.create({ Name: "one" });
  const other = await manager.create({ Name: "other" });
  const filled = new Map<string, string>();
  const both = Promise.withResolvers<boolean>();
  const fill = (name: string): Promise<boolean> =>
    manager.fill(name, { containerId: "c1", destination: "/data" }, (content) => {
      if (filled.set(name, content).size === 2) both.resolve(true);
      return both.promise;
    });
  assert.deepEqual(await Promise.all([fill("one"), fill("other")]), [true, true]);
  assert.deepEqual([filled.get("one"), filled.get("other")], [one.Mountpoint, other.Mountpoint]);
  await assert.rejects(async () => fill("none"), { message: "get none: no such volume" });
});

test("a container's volumes are held until its record speaks for them, and go when its create fails", async (t) => {
  const { manager } = setup(t);
  const holder = { containerId: "c1", context: {} };
  const plan = planMounts({
    hostConfig: { Binds: ["named:/n"] },
    config: { Volumes: { "/anon": {} } },
    readOnlyNonRecursive: false,
    sourceExists: () => true,
    mountsOf: () => [],
  });
  const { mountPoints, undo } = await realiseMounts(plan, manager, holder);
  assert.deepEqual(
    mountPoints.map(({ destination, mode, anonymous, copyData }) => [destination, mode, anonymous, copyData]),
    [
      ["/n", "z", false, true],
      ["/anon", "", true, true],
    ],
  );
  await assert.rejects(manager.remove("named", { force: false }), /volume is in use - \[c1\]/);
  await undo();
  assert.deepEqual((await manager.list({})).Volumes, []);
});

test("when the second volume cannot be made, the first is removed again", async (t) => {
  const { manager } = setup(t);
  const plan = planMounts({
    hostConfig: { Binds: ["first:/1", "bad name:/2"] },
    config: {},
    readOnlyNonRecursive: false,
    sourceExists: () => true,
    mountsOf: () => [],
  });
  await assert.rejects(realiseMounts(plan, manager, { containerId: "c1", context: {} }), /invalid characters/);
  assert.deepEqual((await manager.list({})).Volumes, []);
});

test("an unknown volume driver is a bad request of a container's create", async (t) => {
  const { manager } = setup(t);
  const hostConfig = { Binds: ["data:/d"], VolumeDriver: "foo" };
  const plan = planMounts({ hostConfig, config: {}, readOnlyNonRecursive: false, sourceExists: () => true, mountsOf: () => [] });
  await assert.rejects(
    realiseMounts(plan, manager, { containerId: "c1", context: {} }),
    (error) =>
      isKind(error, "invalidArgument") &&
      error.message === 'create data: error looking up volume plugin foo: plugin "foo" not found',
  );
});
