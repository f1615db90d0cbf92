import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { backupDatabase } from "./backup-database.ts";

test("a backup that begins while a transaction is being written waits for its end", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "pouch-backup-"));
  t.after(() => rmSync(home, { recursive: true }));
  const handle = new DatabaseSync(join(home, "pouch.db"));
  t.after(() => handle.close());
  handle.exec("PRAGMA journal_mode=WAL; CREATE TABLE t (x TEXT); BEGIN IMMEDIATE; INSERT INTO t VALUES ('a')");
  const backup = backupDatabase({ home, handle });
  setTimeout(() => handle.exec("COMMIT"), 100);
  const { file, sizeBytes } = await backup;
  assert.ok(sizeBytes > 0);
  await file.close();
});
