import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { holdContainerd } from "./last-containerd.ts";

test("a home with containers keeps its containerd and its namespace; one without may change them", (t) => {
  const home = mkdtempSync(join(tmpdir(), "pouch-last-containerd-"));
  t.after(() => rmSync(home, { recursive: true }));
  holdContainerd(home, { namespace: "one" }, true);
  holdContainerd(home, { namespace: "one" }, true);
  assert.throws(() => holdContainerd(home, { namespace: "two" }, true), {
    kind: "failedPrecondition",
    message:
      /are in the namespace one \(--default-namespace\) of the daemon's own containerd, not in the namespace two .*: start with that one/,
  });
  assert.throws(
    () => holdContainerd(home, { namespace: "one", address: "unix:///c.sock" }, true),
    /of the containerd at \/c.sock: start/,
  );
  holdContainerd(home, { namespace: "two", address: "/c.sock" }, false);
  holdContainerd(home, { namespace: "two", address: "unix:///c.sock" }, true);
});
