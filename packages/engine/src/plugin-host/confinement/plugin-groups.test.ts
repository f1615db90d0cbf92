import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fakeTree } from "../../control-groups/testing/fake-tree.ts";
import { PluginGroup } from "./plugin-group.ts";
import { PluginGroups } from "./plugin-groups.ts";

function groupsIn(
  root: string,
  changes: { mountInfo?: string; home?: string; cgroupDriver?: "systemd"; cgroupParent?: string } = {},
) {
  const said: string[] = [];
  const mountInfo = `31 24 0:27 / ${root} rw,nosuid - cgroup2 cgroup2 rw`;
  const groups = new PluginGroups({
    mountInfo: () => changes.mountInfo ?? mountInfo,
    cgroupDriver: changes.cgroupDriver ?? "cgroupfs",
    cgroupParent: changes.cgroupParent ?? "/pouch",
    home: changes.home ?? "/var/lib/pouch",
    warn: (message) => void said.push(message),
  });
  return { groups, said };
}

/** Nobody enters a group that is a folder alone. */
function withoutKernel(t: TestContext): void {
  t.mock.method(PluginGroup.prototype, "tryOut", async () => undefined);
}

const limits = { memoryLimitMb: 64, pidsLimit: 100 };

/** What the kernel puts into a group that is made. */
function limited(t: TestContext, files: Record<string, string>): { folder: string; read: (file: string) => string } {
  const folder = fakeTree(t, files);
  return { folder, read: (file) => readFileSync(join(folder, file), "utf8") };
}

test("limits of version 2: memory without a way into swap, and processes", async (t) => {
  const { folder, read } = limited(t, { "memory.max": "", "memory.swap.max": "", "pids.max": "" });
  const group = new PluginGroup([folder], "tool");
  await group.limit(limits);
  assert.deepEqual(["memory.max", "memory.swap.max", "pids.max"].map(read), ["67108864", "0", "100"]);
  assert.equal(group.limitsMemory, true);
});

test("limits of version 1 go into the folders of their hierarchies", async (t) => {
  const memory = limited(t, { "memory.limit_in_bytes": "", "memory.memsw.limit_in_bytes": "", "memory.use_hierarchy": "" });
  const pids = limited(t, { "pids.max": "", "pids.events": "max 3\n" });
  const group = new PluginGroup([memory.folder, pids.folder], "tool");
  await group.limit(limits);
  const files = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.use_hierarchy"];
  assert.deepEqual(files.map(memory.read), ["67108864", "67108864", "1"]);
  assert.equal(pids.read("pids.max"), "100");
  assert.equal(group.refusedForks([]), 3);
  assert.equal(new PluginGroup([pids.folder], "tool").limitsMemory, false);
});

test("each daemon has a group of its own below the parent, a slice of systemd's lies in those its name tells of", async (t) => {
  const root = fakeTree(t, {});
  const below = async (options: Parameters<typeof groupsIn>[1], parent: string): Promise<string> => {
    const before = new Set(existsSync(join(root, parent)) ? readdirSync(join(root, parent)) : []);
    await groupsIn(root, options).groups.make("tool", limits);
    const [made] = readdirSync(join(root, parent)).filter((name) => !before.has(name));
    assert.match(made ?? "", /^plugins-[0-9a-f]{12}$/);
    return made ?? "";
  };
  withoutKernel(t);
  const one = await below({ home: "/one" }, "pouch");
  const two = await below({ home: "/two" }, "pouch");
  assert.notEqual(one, two);
  await below({ cgroupDriver: "systemd", cgroupParent: "my-pouch.slice" }, "my.slice/my-pouch.slice");
});

test("what a killed daemon left is removed by the next one of that home, and nothing of another's", async (t) => {
  withoutKernel(t);
  const root = fakeTree(t, {});
  const named = async (home: string): Promise<string> => {
    const before = new Set(existsSync(join(root, "pouch")) ? readdirSync(join(root, "pouch")) : []);
    await groupsIn(root, { home }).groups.make("@scope/tool", limits);
    return join(root, "pouch", readdirSync(join(root, "pouch")).find((name) => !before.has(name)) ?? "");
  };
  const [one, two] = [await named("/one"), await named("/two")];
  assert.match(readdirSync(one).join(), /^@scope__tool-[0-9a-f]{8}$/);
  mkdirSync(join(one, "lost/process-1"), { recursive: true });
  await groupsIn(root, { home: "/one" }).groups.sweep();
  assert.deepEqual([existsSync(one), existsSync(two)], [false, true]);
});

test("where no group can be made or entered, that is said once, and nothing of it stays", async (t) => {
  const root = fakeTree(t, {});
  mkdirSync(join(root, "pouch"));
  for (const mountInfo of ["", `31 24 0:27 / /proc/self/no-such - cgroup2 cgroup2 rw`]) {
    const { groups, said } = groupsIn(root, { mountInfo });
    assert.equal(await groups.make("tool", limits), undefined);
    assert.equal(await groups.make("other", limits), undefined);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /^no control groups for plugins: memoryLimitMb counts .* below --cgroup-parent: /);
    assert.deepEqual(readdirSync(join(root, "pouch")), []);
  }
});
