import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fakeDevices } from "../spec/sample-input.ts";
import { cdiEdits } from "./cdi-edits.ts";
import { readCdiSpecs } from "./read-cdi-specs.ts";

/** Folders with these files, by `folder/name`; folder a counts less than folder b. */
function foldersWith(t: TestContext, files: Record<string, unknown>): string[] {
  const root = mkdtempSync(join(tmpdir(), "cdi-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of ["a", "b"]) mkdirSync(join(root, folder));
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(root, name), typeof content === "string" ? content : JSON.stringify(content));
  return [join(root, "a"), join(root, "absent"), join(root, "b")];
}

const device = (name: string, containerEdits: object): object => ({ name, containerEdits });

test("a device brings what its file says of it and of all, once", (t) => {
  const spec = {
    cdiVersion: "0.6.0",
    kind: "vendor.com/gpu",
    containerEdits: {
      env: ["ALL=1"],
      hooks: [{ hookName: "createContainer", path: "/bin/hook", args: ["hook", "x"], timeout: 5 }],
    },
    devices: [
      device("0", { env: ["GPU=0"], deviceNodes: [{ path: "/dev/gpu0", hostPath: "/dev/snd/seq", permissions: "rw" }] }),
      device("1", {
        mounts: [{ hostPath: "/lib/gpu", containerPath: "/usr/lib/gpu", options: ["ro", "bind"] }],
        additionalGids: [44],
      }),
    ],
  };
  const found = readCdiSpecs(foldersWith(t, { "a/gpu.json": spec, "a/README": "no spec" }));
  assert.deepEqual(cdiEdits(["vendor.com/gpu=0", "vendor.com/gpu=1", "vendor.com/gpu=0"], found, fakeDevices), {
    env: ["ALL=1", "GPU=0"],
    devices: [{ device: { path: "/dev/gpu0", type: "c", major: 116, minor: 1, fileMode: 0o660, uid: 0, gid: 29 }, access: "rw" }],
    mounts: [{ destination: "/usr/lib/gpu", type: "bind", source: "/lib/gpu", options: ["ro", "bind"] }],
    hooks: [{ stage: "createContainer", hook: { path: "/bin/hook", args: ["hook", "x"], timeout: 5 } }],
    additionalGids: [44],
  });
});

test("a later folder has the last word, and two files of one folder contradict each other", (t) => {
  const spec = (value: string): object => ({ kind: "v.com/c", devices: [device("x", { env: [value] })] });
  const overridden = readCdiSpecs(foldersWith(t, { "a/one.json": spec("A=a"), "b/two.json": spec("A=b") }));
  assert.deepEqual(cdiEdits(["v.com/c=x"], overridden, fakeDevices).env, ["A=b"]);
  const twice = readCdiSpecs(foldersWith(t, { "a/one.json": spec("A=a"), "a/two.json": spec("A=b") }));
  assert.throws(() => cdiEdits(["v.com/c=x"], twice, fakeDevices), { kind: "invalidArgument", message: /more than one file/ });
});

test("of a device that is not there the files that could not be read are told", (t) => {
  const files = {
    "a/yaml.yaml": "kind: v.com/c",
    "a/torn.json": "{",
    "a/kind.json": { kind: "x", devices: [] },
    "b/edits.json": { kind: "v.com/c", devices: [device("x", { env: [1] })] },
  };
  const found = readCdiSpecs(foldersWith(t, files));
  assert.equal(found.failures.length, 4);
  assert.throws(() => cdiEdits(["v.com/c=x"], found, fakeDevices), {
    kind: "invalidArgument",
    message: /unresolvable CDI devices v\.com\/c=x.*yaml\.yaml: YAML is not read/,
  });
});

test("a node that the host does not have is refused", (t) => {
  const spec = { kind: "v.com/c", devices: [device("x", { deviceNodes: [{ path: "/dev/absent" }] })] };
  const found = readCdiSpecs(foldersWith(t, { "a/x.json": spec }));
  assert.throws(() => cdiEdits(["v.com/c=x"], found, fakeDevices), { message: /"\/dev\/absent" is no device node/ });
});
