import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { loadNetworkList } from "./cni-config.ts";

function folder(t: TestContext, files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "pouch-cni-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

const ours = JSON.stringify({ cniVersion: "1.0.0", name: "ours", plugins: [{ type: "bridge" }] });

test("a list is found by its name beside files that are of no use", (t) => {
  const directory = folder(t, {
    "00-empty.conf": "",
    "10-half.conflist": '{"name":',
    "20-none.json": "7",
    "90-ours.conflist": ours,
  });
  mkdirSync(join(directory, "30-folder.conf"));
  symlinkSync("/nowhere/at/all", join(directory, "40-dangling.conf"));
  assert.equal(loadNetworkList(directory, "ours").name, "ours");
});

test("where none has the name, files that may have had it are named", (t) => {
  const directory = folder(t, { "10-half.conflist": '{"name":', "90-ours.conflist": ours });
  assert.throws(
    () => loadNetworkList(directory, "other"),
    (error: unknown) =>
      isKind(error, "notFound") && /no CNI network "other" in .*10-half\.conflist is not JSON/.test(error.message),
  );
  rmSync(join(directory, "10-half.conflist"));
  assert.throws(() => loadNetworkList(directory, "other"), { message: `no CNI network "other" in ${directory}` });
});
