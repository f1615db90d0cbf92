import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isKind } from "@pouchcontainer/errors";
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

/** A store on a disk of 3 MB that can be filled. */
function smallDisk(t: TestContext): { file: string; fill: () => void; makeRoom: () => void } {
  const directory = mkdtempSync(join(tmpdir(), "pouch-store-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", directory]);
  t.after(() => {
    // A test that failed has the store open yet.
    execFileSync("umount", ["--lazy", directory]);
    rmSync(directory, { recursive: true });
  });
  mkdirSync(join(directory, "state"));
  const filler = join(directory, "filler");
  const fill = (): void => {
    for (const bytes of [4096, 1]) {
      try {
        for (;;) appendFileSync(filler, Buffer.alloc(bytes));
      } catch {
        // Full.
      }
    }
  };
  return { file: join(directory, "state", "pouch.db"), fill, makeRoom: () => rmSync(filler) };
}

const noRoom = (error: unknown): boolean => isKind(error, "resourceExhausted");

/** A full disk is looked at again after a while; tries for up to 15 s. */
async function untilItIsTaken(put: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await put();
    } catch (error) {
      if (!noRoom(error) || tries === 150) throw error;
    }
    await sleep(100);
  }
}

test("a full disk refuses what adds, and takes what has happened and removals, any number of them", async (t) => {
  const { file, fill, makeRoom } = smallDisk(t);
  const warnings: string[] = [];
  const store = Store.open(file, { warn: (message) => warnings.push(message) });
  const records = store.collection<string>("c");
  for (const id of ["kept", "changed", "removed"]) await records.put(id, "before");
  fill();
  await assert.rejects(records.put("added", "x".repeat(600_000)), noRoom);
  for (let count = 0; count < 500; count++) {
    const happened = records.put("changed", `${count} ${"y".repeat(3000)}`, { happened: true });
    if (count > 0) await assert.rejects(records.put("added", "x"), noRoom);
    await happened;
    fill();
  }
  await records.delete("removed");
  assert.deepEqual(
    [records.get("removed"), records.get("added"), records.get("changed")?.slice(0, 4)],
    [undefined, undefined, "499 "],
  );
  // That there is no room for copies beside it either is told when it took longer than they are put off.
  assert.deepEqual(
    warnings.filter((warning) => !warning.startsWith("records cannot be written beside the store")),
    [],
  );
  makeRoom();
  await untilItIsTaken(() => records.put("added", "after"));
  await store.close();
  const again = Store.open(file);
  const found = again.collection<string>("c");
  assert.deepEqual([found.get("kept"), found.get("removed"), found.get("added")], ["before", undefined, "after"]);
  assert.match(found.get("changed") ?? "", /^499 /);
  await again.close();
});

test("for what makes room elsewhere the reserve is given up, as far as it takes", async (t) => {
  const { file, fill } = smallDisk(t);
  const store = Store.open(file);
  const reserve = (): number => statSync(`${file}-reserve`).size;
  const whole = reserve();
  fill();
  const full = new Error("write meta.db: no space left on device");
  let tries = 0;
  const needed = async (): Promise<string> => {
    tries += 1;
    if (whole - reserve() < 64 * 1024) throw full;
    return "removed";
  };
  assert.deepEqual([await store.removal(needed), tries, whole - reserve()], ["removed", 3, 64 * 1024]);
  await assert.rejects(
    store.removal(() => Promise.reject(new Error("busy"))),
    /busy/,
  );
  assert.equal(whole - reserve(), 64 * 1024);
  await assert.rejects(
    store.removal(() => Promise.reject(full)),
    /no space left/,
  );
  assert.equal(reserve(), 0);
  await store.close();
});

test("what not even the reserve has room for holds in memory, and is written when there is room", async (t) => {
  const { file, fill, makeRoom } = smallDisk(t);
  const warnings: string[] = [];
  const store = Store.open(file, { warn: (message) => warnings.push(message) });
  const records = store.collection<string>("c");
  await records.put("small", "before");
  fill();
  await records.put("big", "x".repeat(1 << 20), { happened: true });
  fill();
  await records.delete("small");
  assert.deepEqual([records.get("small"), records.get("big")?.length], [undefined, 1 << 20]);
  assert.equal(warnings.filter((text) => text.includes("holds in memory")).length, 1);
  makeRoom();
  await untilItIsTaken(() => records.put("added", "after"));
  await store.close();
  const again = Store.open(file);
  const found = again.collection<string>("c");
  assert.deepEqual([found.get("small"), found.get("big")?.length], [undefined, 1 << 20]);
  await again.close();
});
