import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Configuration } from "../config/options.ts";
import { markExecRoot, noteLastRoot } from "./exec-root-mark.ts";
import { refuseForeignFolders } from "./refuse-foreign-folders.ts";

/** A daemon that ran with `a/home` and `a/run`, and a check of a configuration beside it. */
function beside(t: TestContext) {
  const top = realpathSync(mkdtempSync(join(tmpdir(), "pouch-foreign-")));
  t.after(() => rmSync(top, { recursive: true }));
  for (const name of ["a/home/containers", "a/run/netns"]) mkdirSync(join(top, name), { recursive: true });
  writeFileSync(join(top, "a/home/pouch.db"), "");
  markExecRoot(join(top, "a/run"));
  noteLastRoot(join(top, "a/home"), join(top, "a/run"));
  const check = (home: string, execRoot: string): void =>
    // Of a configuration, the two folders are looked at.
    refuseForeignFolders({ "home-dir": join(top, home), "exec-root-dir": join(top, execRoot) } as Configuration);
  return { top, check };
}

test("folders in, around and of another daemon that does not run are refused, with what is there", (t) => {
  const { top, check } = beside(t);
  assert.throws(() => check("b/home", "a/home"), /--exec-root-dir: .*a\/home is the home of another .* new or empty/);
  assert.throws(() => check("a/run", "b/run"), /--home-dir: .*a\/run is the exec root of a daemon/);
  assert.throws(() => check("a/home/inner", "b/run"), /--home-dir: .* lies in .*a\/home, the home of another/);
  assert.throws(() => check("b/home", "a/run/inner"), /--exec-root-dir: .* lies in .*a\/run, the exec root of another/);
  assert.throws(() => check("a", "b/run"), /--home-dir: .*\/a has in it .*a\/home, the home of another/);
  assert.throws(() => check("b/home", "a"), /--exec-root-dir: .*\/a has in it .*a\/home, the home of another/);
  assert.throws(() => check("b", "b"), new RegExp(`name one folder, ${top}/b: give each`));
});

test("what is no daemon's is no exec root", (t) => {
  const { top, check } = beside(t);
  for (const swept of ["netns", "pods"]) {
    const folder = `others-${swept}`;
    mkdirSync(join(top, folder, swept), { recursive: true });
    assert.throws(() => check("b/home", folder), new RegExp(`no daemon put there for itself \\(${swept}\\)`));
  }
  mkdirSync(join(top, "logs"));
  writeFileSync(join(top, "logs/pouchd.log"), "");
  check("b/home", "logs");
});

test("the exec root of a home of before there were marks is known by its runs", (t) => {
  const { top, check } = beside(t);
  for (const name of ["old/home/containers/c1", "old/run/containers/c1", "old/run/netns", "old/run/containerd"])
    mkdirSync(join(top, name), { recursive: true });
  writeFileSync(join(top, "old/run/netns/c1"), "");
  assert.throws(() => check("old/home", "old/run"), /no daemon put there for itself/);
  writeFileSync(join(top, "old/home/pouch.db"), "");
  check("old/home", "old/run");
  assert.throws(() => check("b/home", "old/run"), /no daemon put there for itself/);
  writeFileSync(join(top, "old/run/netns/c2"), "");
  assert.throws(() => check("old/home", "old/run"), /no daemon put there for itself/);
});

test("an exec root does not lead elsewhere by links to what is swept", (t) => {
  const { top, check } = beside(t);
  mkdirSync(join(top, "victim"));
  symlinkSync(join(top, "victim"), join(top, "a/run/views"));
  assert.throws(() => check("a/home", "a/run"), /--exec-root-dir: .*\/a\/run\/views is a link.* remove the link/);
});

test("a daemon's own folders are its own, also of an earlier version, one within the other, and changed", (t) => {
  const { top, check } = beside(t);
  check("a/home", "a/run");
  check("a/home", "new");
  check("new", "a/run");
  rmSync(join(top, "a/run/.pouchd-exec-root"));
  check("a/home", "a/run");
  rmSync(join(top, "a/home/.last-exec-root"));
  writeFileSync(join(top, "a/run/owner"), "");
  check("a/home", "a/run");
  check("c", "c/run");
  mkdirSync(join(top, "c/run"), { recursive: true });
  writeFileSync(join(top, "c/pouch.db"), "");
  markExecRoot(join(top, "c/run"));
  check("c", "c/run");
  check("c", "c/run2");
});
