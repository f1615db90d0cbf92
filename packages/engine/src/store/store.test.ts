import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Store } from "./store.ts";

function storeFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "pouch-store-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, "state", "pouch.db");
}

test("a record is there after the store is opened again", async (t) => {
  const file = storeFile(t);
  const first = Store.open(file);
  await first.collection<{ name: string }>("containers").put("1", { name: "web" });
  await first.collection("containers").put("2", { name: "gone" });
  await first.collection("containers").delete("2");
  await first.close();

  const second = Store.open(file);
  assert.deepEqual([...second.collection("containers").values()], [{ name: "web" }]);
  assert.equal(second.collection("images").get("1"), undefined);
  await second.close();
});

test("readers see a record only when it is durable", async (t) => {
  const store = Store.open(storeFile(t));
  const containers = store.collection<number>("containers");
  const written = containers.put("1", 1);
  assert.equal(containers.get("1"), undefined);
  await written;
  assert.equal(containers.get("1"), 1);
  await store.close();
});

test("writes that are queued when the store closes are kept", async (t) => {
  const file = storeFile(t);
  const store = Store.open(file);
  const written = Promise.all(Array.from({ length: 64 }, (_, i) => store.collection("c").put(String(i), i)));
  const closed = store.close();
  await written;
  await closed;
  await assert.rejects(store.collection("c").put("late", 1), /store is closed/);
  const again = Store.open(file);
  assert.equal([...again.collection("c").values()].length, 64);
  await again.close();
});

test("a second daemon on the same store is refused and told why", async (t) => {
  const file = storeFile(t);
  const store = Store.open(file);
  assert.throws(() => Store.open(file), /in use by another daemon: stop it, or give this one a --home-dir of its own/);
  await store.close();
  await Store.open(file).close();
});
