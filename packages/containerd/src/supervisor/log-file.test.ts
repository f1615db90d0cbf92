import assert from "node:assert/strict";
import { closeSync, mkdtempSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LogFile } from "./log-file.ts";

test("a log that grew too large is cut while it is open, and its writer goes on at the start", () => {
  const folder = mkdtempSync(join(tmpdir(), "log-file-"));
  try {
    const log = new LogFile(join(folder, "containerd.log"), 10);
    const fd = log.open();
    writeSync(fd, "short\n");
    log.rotate();
    assert.equal(log.size, 6);
    writeSync(fd, "too long now\n");
    log.rotate();
    writeSync(fd, "after\n");
    closeSync(fd);
    assert.equal(readFileSync(log.path, "utf8"), "after\n");
    assert.equal(readFileSync(`${log.path}.1`, "utf8"), "short\ntoo long now\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the last lines are those written since the start", () => {
  const folder = mkdtempSync(join(tmpdir(), "log-file-"));
  try {
    const log = new LogFile(join(folder, "containerd.log"), 1000);
    const fd = log.open();
    writeSync(fd, "before\n");
    const start = log.size;
    writeSync(fd, "one\ntwo\nthree\n");
    closeSync(fd);
    assert.deepEqual(log.lastLines(start, 2), ["two", "three"]);
    assert.deepEqual(log.lastLines(start, 9), ["one", "two", "three"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
