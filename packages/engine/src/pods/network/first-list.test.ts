import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { firstNetworkList } from "./first-list.ts";

function folder(t: TestContext, files: Record<string, unknown> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "pouch-cni-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
  return directory;
}

const list = (name: string, changes: object = {}): object => ({
  cniVersion: "1.0.0",
  name,
  plugins: [{ type: "bridge" }],
  ...changes,
});

test("the first file by name is the network of pods, other files are none", (t) => {
  const directory = folder(t, {
    "00-notes.txt": "x",
    "20-b.conflist": list("b"),
    "10-a.conf": { cniVersion: "0.4.0", name: "a", type: "ptp" },
  });
  assert.equal(firstNetworkList(directory).name, "a");
  rmSync(join(directory, "10-a.conf"));
  assert.equal(firstNetworkList(directory).name, "b");
});

test("where the first file is of no use there is no network, and it is named", (t) => {
  for (const broken of ["{", list("a", { plugins: [] }), list(""), list("../a"), list("a", { cniVersion: "0.2.0" })])
    assert.throws(
      () => firstNetworkList(folder(t, { "10-a.conflist": broken, "20-b.conflist": list("b") })),
      (error: unknown) => isKind(error, "unavailable") && error.message.includes("10-a.conflist"),
      JSON.stringify(broken),
    );
});

test("without a file, and without a folder, the plugins are not initialized", (t) => {
  for (const directory of [folder(t), "/nowhere/at/all"])
    assert.throws(() => firstNetworkList(directory), /cni plugin not initialized/);
});
