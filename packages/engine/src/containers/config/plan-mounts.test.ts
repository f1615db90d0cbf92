import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerConfig, HostConfig, Mount } from "@pouchcontainer/api";
import type { MountPointRecord } from "../container-record.ts";
import { planMounts } from "./plan-mounts.ts";

const theirs: MountPointRecord[] = [
  {
    type: "volume",
    name: "shared",
    source: "/v/shared/_data",
    destination: "/shared",
    driver: "local",
    mode: "z",
    rw: true,
    propagation: "",
  },
  {
    type: "volume",
    name: "f".repeat(64),
    source: "/v/f/_data",
    destination: "/own",
    driver: "local",
    mode: "",
    rw: true,
    propagation: "",
    anonymous: true,
  },
];
const plan = (hostConfig: HostConfig, config: ContainerConfig = {}, readOnlyNonRecursive = false) =>
  planMounts({
    hostConfig,
    config,
    readOnlyNonRecursive,
    sourceExists: (path) => path !== "/nope",
    mountsOf: () => theirs,
  });
const mount = (fields: Mount): HostConfig => ({ Mounts: [fields] });

/** Recorded from dockerd 20.10. */
const refused: [HostConfig, string][] = [
  [{ Binds: ["a:b:c:d"] }, "invalid volume specification: 'a:b:c:d'"],
  [
    { Binds: ["/tmp:rel"] },
    `invalid volume specification: '/tmp:rel': invalid mount config for type "bind": invalid mount path: 'rel' mount path must be absolute`,
  ],
  [
    { Mounts: [{ Type: "bind", Source: "/etc\0x", Target: "/x" }] },
    `invalid mount config for type "bind": invalid mount path: "/etc\\u0000x" must not contain a NUL`,
  ],
  [{ Binds: ["/tmp:/a:zz"] }, "invalid mode: zz"],
  [{ Binds: ["/tmp:/a", "/etc:/a"] }, "Duplicate mount point: /a"],
  [
    { Binds: ["/tmp:/"] },
    `invalid volume specification: '/tmp:/': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
  ],
  [{ Binds: [""] }, "invalid volume specification: ''"],
  [
    mount({ Type: "bind", Source: "/nope", Target: "/a" }),
    'invalid mount config for type "bind": bind source path does not exist: /nope',
  ],
  [mount({ Type: "bind", Target: "/a" }), 'invalid mount config for type "bind": field Source must not be empty'],
  [mount({ Type: "bind", Source: "/tmp", Target: "" }), 'invalid mount config for type "bind": field Target must not be empty'],
  [
    mount({ Type: "bind", Source: "/tmp", Target: "/b", VolumeOptions: {} }),
    'invalid mount config for type "bind": field VolumeOptions must not be specified',
  ],
  [
    mount({ Type: "bind", Source: "/tmp", Target: "/b", BindOptions: { Propagation: "x" } }),
    'invalid mount config for type "bind": invalid propagation mode: x',
  ],
  [
    mount({ Type: "volume", ReadOnly: true, Target: "/b" }),
    'invalid mount config for type "volume": must not set ReadOnly mode when using anonymous volumes',
  ],
  [
    mount({ Type: "tmpfs", Source: "a", Target: "/b" }),
    'invalid mount config for type "tmpfs": field Source must not be specified',
  ],
  [{ Binds: ["/tmp:/b"], Tmpfs: { "/b": "" } }, "Duplicate mount point: /b"],
  [{ Tmpfs: { b: "" } }, "invalid mount path: 'b' mount path must be absolute"],
  [{ VolumesFrom: ["c1:foo"] }, "invalid mode: foo"],
];

for (const [hostConfig, message] of refused)
  test(`mounts are refused: ${message}`, () => assert.throws(() => plan(hostConfig), { message }));

test("a bind keeps its mode text, a volume its name, an unnamed one none", () => {
  const { requests } = plan({ Binds: ["/tmp:/b:ro,rslave", "data:/d/", "/anon"] });
  assert.deepEqual(
    requests.map(({ type, source, destination, mode, rw, propagation }) => [type, source, destination, mode, rw, propagation]),
    [
      ["bind", "/tmp", "/b", "ro,rslave", false, "rslave"],
      ["volume", "data", "/d", "", true, ""],
      ["volume", "", "/anon", "", true, ""],
    ],
  );
});

test("for an old client a read-only bind is not recursive, and nothing else is said of it", () => {
  const hostConfig: HostConfig = {
    Binds: ["/tmp:/ro:ro", "/tmp:/rw", "data:/volume:ro"],
    Mounts: [
      { Type: "bind", Source: "/tmp", Target: "/mount", ReadOnly: true, BindOptions: { Propagation: "rslave" } },
      { Type: "bind", Source: "/tmp", Target: "/forced", ReadOnly: true, BindOptions: { ReadOnlyForceRecursive: true } },
    ],
  };
  const options = (old: boolean) => plan(hostConfig, {}, old).requests.map(({ spec }) => spec.BindOptions);
  const forced = { ReadOnlyForceRecursive: true };
  assert.deepEqual(options(true), [
    { ReadOnlyNonRecursive: true },
    undefined,
    undefined,
    { Propagation: "rslave", ReadOnlyNonRecursive: true },
    forced,
  ]);
  assert.deepEqual(options(false), [undefined, undefined, undefined, { Propagation: "rslave" }, forced]);
  assert.deepEqual(hostConfig.Mounts?.[0]?.BindOptions, { Propagation: "rslave" });
});

test("an image's volume gives way to a mount of the user's", () => {
  const { requests } = plan({ Binds: ["/tmp:/data"] }, { Volumes: { "/data": {}, "/other": {} } });
  assert.deepEqual(
    requests.map(({ destination }) => destination),
    ["/data", "/other"],
  );
});

test("volumes of another container come along, read-only where asked, the anonymous as such", () => {
  const { inherited } = plan({ VolumesFrom: ["db:ro"] });
  assert.deepEqual(
    inherited.map(({ destination, rw, anonymous }) => [destination, rw, anonymous]),
    [
      ["/shared", false, undefined],
      ["/own", false, true],
    ],
  );
});

test("of two containers with a mount at the same place the last named gives it", () => {
  const { inherited } = plan({ VolumesFrom: ["db", "db:ro"] });
  assert.deepEqual(
    inherited.map(({ destination, rw }) => [destination, rw]),
    [
      ["/shared", false],
      ["/own", false],
    ],
  );
});
