import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { copyPath, RecordCopies } from "./record-copies.ts";
import { rebuildStore } from "./rebuild-store.ts";
import { Store } from "./store.ts";

const web = "a".repeat(64);
const db = "b".repeat(64);

/** A home with a container, a volume and a network in it; its daemon has left. */
const stores: Store[] = [];

async function home(t: TestContext): Promise<{ directory: string; file: string }> {
  const directory = mkdtempSync(join(tmpdir(), "pouch-home-"));
  t.after(async () => {
    // What a test that failed has left open writes on.
    for (const store of stores.splice(0)) await store.close();
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, "pouch.db");
  const store = Store.open(file);
  await make(store, directory, web, "web");
  mkdirSync(join(directory, "volumes", "data"), { recursive: true });
  await store.collection("volumes").put("data", { name: "data", labels: { of: "web" } });
  await store.collection("networks").put("n1", { name: "bridge" });
  await store.close();
  return { directory, file };
}

async function make(store: Store, directory: string, id: string, name: string): Promise<void> {
  mkdirSync(join(directory, "containers", id), { recursive: true });
  const containers = store.containers();
  await containers.put(id, { id, name });
  await containers.keepCopy(id);
}

function opened(file: string): { store: Store; warnings: string[] } {
  const warnings: string[] = [];
  const store = Store.open(file, { warn: (message) => warnings.push(message) });
  stores.push(store);
  return { store, warnings };
}

/** Everything in the home but the database itself. */
function contents(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return names.filter((name) => !name.startsWith("pouch.db")).toSorted();
}

for (const [what, lose] of Object.entries({
  "is gone": (file: string) => rmSync(file),
  "is empty": (file: string) => truncateSync(file, 0),
  // What a copy of the file alone was while all records were in the write-ahead log.
  "has a header and no tables": (file: string) => {
    rmSync(file);
    new DatabaseSync(file).exec("PRAGMA journal_mode=WAL");
  },
}))
  test(`a database that ${what} is refused over a home that is not empty, and the way out is named`, async (t) => {
    const { directory, file } = await home(t);
    const before = contents(directory);
    lose(file);
    assert.throws(
      () => Store.open(file),
      ({ message }: Error) =>
        /has no records, but .* holds 1 folder of a container, 1 volume, \d records of networks/.test(message) &&
        /pouch system backup/.test(message) &&
        /pouchd --rebuild-store/.test(message) &&
        /empty --home-dir/.test(message),
    );
    assert.deepEqual(contents(directory), before);
  });

test("a damaged database is refused, whatever is damaged in it", async (t) => {
  const { file } = await home(t);
  const whole = readFileSync(file);
  const page = Buffer.from(whole);
  page.fill(0x5a, 4096 + 8, 8192);
  writeFileSync(file, page);
  assert.throws(() => Store.open(file), /is damaged .*pouchd --rebuild-store/);
  writeFileSync(file, "no database at all, but long enough to be one".repeat(100));
  assert.throws(() => Store.open(file), /is damaged .*pouchd --rebuild-store/);
  writeFileSync(file, whole);
  await Store.open(file).close();
});

test("copies that a killed daemon had not come to are written by the next", async (t) => {
  const { directory, file } = await home(t);
  const marker = join(directory, "store.json");
  const before = opened(file).store;
  await before.collection("volumes").put("late", { name: "late", at: 1 });
  await before.close();
  const copy = join(directory, "records", "volumes", "late.json");
  const text = readFileSync(copy, "utf8");
  const { sequence, copied, ...rest } = JSON.parse(readFileSync(marker, "utf8")) as { sequence: number; copied: number };
  assert.equal(copied, sequence);
  // Killed between the marker and the copy; by a daemon that knew no such mark.
  for (const follows of [{ copied: sequence - 1 }, {}]) {
    writeFileSync(copy, text.replace('"at":1', '"at":0'));
    writeFileSync(marker, JSON.stringify({ ...rest, sequence, ...follows }));
    await opened(file).store.close();
    assert.equal((JSON.parse(readFileSync(copy, "utf8")) as { record: { at: number } }).record.at, 1);
  }
});

test("a damaged marker is told by its own name, and the way out is its own", async (t) => {
  const { directory, file } = await home(t);
  for (const text of ["", "{}", "null", '{"id":7}']) {
    writeFileSync(join(directory, "store.json"), text);
    assert.throws(() => Store.open(file), /store\.json is damaged .* remove the file, and it is written anew/);
  }
  rmSync(join(directory, "store.json"));
  await Store.open(file).close();
});

test("the database of a newer daemon is refused in words", async (t) => {
  const { file } = await home(t);
  const later = new DatabaseSync(file);
  later.exec("PRAGMA user_version = 9");
  later.close();
  assert.throws(() => Store.open(file), /written by a newer daemon \(schema 9, this one knows 2\)/);
});

test("the database of another daemon is noticed", async (t) => {
  const [one, other] = [await home(t), await home(t)];
  copyFileSync(other.file, one.file);
  assert.throws(() => Store.open(one.file), /belongs to another daemon \(.*\) than its home directory/);
});

test("an older database takes in what is newer beside it, and leaves containers it does not know to be found", async (t) => {
  const { directory, file } = await home(t);
  copyFileSync(file, join(directory, "old"));
  const { store } = opened(file);
  await make(store, directory, db, "db");
  await store.containers().put(web, { id: web, name: "renamed" });
  await store.collection("networks").put("n2", { name: "front" });
  await store.close();
  copyFileSync(join(directory, "old"), file);

  for (const round of ["first", "second"]) {
    const again = opened(file);
    assert.deepEqual(
      again.warnings.filter((text) => text.includes("older than its home directory")).length,
      round === "first" ? 1 : 0,
    );
    const containers = again.store.containers<{ name: string }>();
    assert.equal(containers.get(web)?.name, "renamed");
    assert.equal(containers.get(db), undefined);
    assert.equal(containers.findCopy(db)?.name, "db");
    assert.deepEqual(
      [...again.store.collection<{ name: string }>("networks").values()].map(({ name }) => name),
      ["bridge", "front"],
    );
    await again.store.close();
  }
});

test("a write-ahead log that was cut costs no record that lay beside for a second", async (t) => {
  const { directory, file } = await home(t);
  const { store } = opened(file);
  await make(store, directory, db, "db");
  await store.collection("volumes").put("late", { name: "late" });
  // What kill -9 leaves: the log is not in the file yet.
  for (const end of ["", "-wal"]) copyFileSync(`${file}${end}`, join(directory, `killed${end}`));
  await store.close();
  copyFileSync(join(directory, "killed"), file);
  copyFileSync(join(directory, "killed-wal"), `${file}-wal`);
  truncateSync(`${file}-wal`, Math.floor(statSync(`${file}-wal`).size / 3));

  const again = opened(file);
  assert.equal(again.store.containers<{ name: string }>().get(web)?.name, "web");
  assert.equal(again.store.containers<{ name: string }>().findCopy(db)?.name, "db");
  assert.ok(again.store.collection("volumes").get("late"));
  await again.store.close();
});

test("a rebuild makes the same records of what lies beside, and keeps the old file", async (t) => {
  const { directory, file } = await home(t);
  mkdirSync(join(directory, "volumes", "bare"));
  mkdirSync(join(directory, "containers", db));
  const before = opened(file).store;
  await before.close();
  truncateSync(file, 100);

  const report = rebuildStore(file, new Date("2026-01-02T03:04:05Z"));
  assert.deepEqual(report.rebuilt, { containers: 1, networks: 1, volumes: 1 });
  assert.deepEqual(report.volumesWithoutRecord, ["bare"]);
  assert.deepEqual(report.containersWithoutRecord, [db]);
  assert.ok(
    report.setAside.every((path) => existsSync(path)) &&
      report.setAside[0]?.endsWith("pouch.db.set-aside-2026-01-02T030405.000Z"),
  );
  const { store, warnings } = opened(file);
  assert.deepEqual(warnings, []);
  assert.equal(store.identity, before.identity);
  assert.deepEqual(store.containers().get(web), { id: web, name: "web" });
  assert.deepEqual(store.collection("volumes").get("data"), { name: "data", labels: { of: "web" } });
  await store.close();
});

test("a rebuild is refused while a daemon uses the store, and where there is nothing to make one of", async (t) => {
  const { file } = await home(t);
  const { store } = opened(file);
  assert.throws(() => rebuildStore(file, new Date()), /in use by another daemon/);
  await store.close();
  const empty = mkdtempSync(join(tmpdir(), "pouch-home-"));
  t.after(() => rmSync(empty, { recursive: true }));
  assert.throws(() => rebuildStore(join(empty, "pouch.db"), new Date()), /nothing lies beside/);
});

test("a backup is consistent while writes go on, and a store can be opened from it", async (t) => {
  const { directory, file } = await home(t);
  const { store } = opened(file);
  const records = store.collection<string>("pairs");
  for (let i = 0; i < 500; i++) await records.put(`fill${i}`, "x".repeat(4000));
  const backup = store.backup();
  // Each commit holds both or neither.
  for (let i = 0; i < 50; i++) await Promise.all([records.put(`a${i}`, ""), records.put(`b${i}`, "")]);
  const { file: copy, sizeBytes } = await backup;
  const taken = join(directory, "taken.db");
  writeFileSync(taken, await copy.readFile());
  await copy.close();
  assert.equal(statSync(taken).size, sizeBytes);
  await store.close();
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith("backup-")),
    [],
  );
  copyFileSync(taken, file);
  const restored = opened(file).store;
  const keys = [...Array(50).keys()].filter((i) => restored.collection("pairs").get(`a${i}`) !== undefined);
  assert.ok(keys.every((i) => restored.collection("pairs").get(`b${i}`) !== undefined));
  assert.ok(restored.containers().get(web));
  await restored.close();
});

test("an older schema is brought up to date; the file of before and the daemon's id are kept", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-home-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "pouch.db");
  const old = new DatabaseSync(file);
  old.exec(
    "CREATE TABLE records (collection TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, id)) WITHOUT ROWID, STRICT",
  );
  old.prepare("INSERT INTO records VALUES ('daemon', 'id', ?), ('networks', 'n1', ?)").run('"the-id"', '{"name":"bridge"}');
  old.close();
  const { store } = opened(file);
  assert.equal(store.identity, "the-id");
  assert.deepEqual(store.collection("networks").get("n1"), { name: "bridge" });
  await store.close();
  const kept = new DatabaseSync(`${file}.v1`);
  assert.equal(kept.prepare("SELECT count(*) AS n FROM records").get()?.["n"], 2);
  kept.close();
});

test("the write-ahead log is short when the store rests: the file alone is complete after a stop", async (t) => {
  const { file } = await home(t);
  assert.ok(!existsSync(`${file}-wal`) || statSync(`${file}-wal`).size === 0);
  const { store } = opened(file);
  for (let i = 0; i < 1000; i++) await store.collection("c").put(String(i), "y".repeat(3000));
  // 400 pages and what one transaction adds to them.
  assert.ok(statSync(`${file}-wal`).size < 3 << 20, String(statSync(`${file}-wal`).size));
  await store.close();
  assert.ok(!existsSync(`${file}-wal`));
});

test("copies that are being written are waited for by who asks that all are, a store that is closed for one", async (t) => {
  const { directory, file } = await home(t);
  const { store } = opened(file);
  t.after(() => store.close());
  const name = { collection: "c", id: "1" };
  const copies = new RecordCopies({
    home: directory,
    identity: store.identity,
    sequence: () => 1,
    current: () => "{}",
    warn: (message) => assert.fail(message),
  });
  copies.changed(name);
  const begun = copies.flush();
  await copies.flush();
  assert.ok(existsSync(copyPath(directory, name)));
  await begun;
});

test("a copy never outlives its record, nor does one come back after it", async (t) => {
  const { directory, file } = await home(t);
  const { store } = opened(file);
  const networks = store.collection("networks");
  await networks.put("n2", { name: "gone" });
  await networks.delete("n2");
  const containers = store.containers();
  await make(store, directory, db, "db");
  await containers.put(db, { id: db, name: "changed" });
  await containers.dropCopy(db);
  await containers.put(db, { id: db, name: "removing" });
  await containers.delete(db);
  await store.close();
  assert.deepEqual(readdirSync(join(directory, "records", "networks")), ["n1.json"]);
  assert.deepEqual(readdirSync(join(directory, "containers", db)), []);
  assert.deepEqual(readdirSync(join(directory, "containers", web)), ["container.json"]);
  assert.equal(statSync(join(directory, "containers", web, "container.json")).mode & 0o777, 0o600);
});

test("copies write nothing after they are closed, whoever asked for it meanwhile", async (t) => {
  const { directory } = await home(t);
  let sequence = 1;
  const copies = new RecordCopies({
    home: directory,
    identity: "one",
    sequence: () => sequence,
    current: () => "{}",
    warn: (message) => assert.fail(message),
  });
  copies.changed({ collection: "c", id: "1" });
  const begun = copies.flush();
  const closed = copies.close();
  const late = copies.flush();
  await closed;
  sequence = 2;
  await Promise.all([begun, late]);
  copies.changed({ collection: "c", id: "2" });
  await copies.flush();
  assert.match(readFileSync(join(directory, "store.json"), "utf8"), /"sequence":1\b/);
  assert.deepEqual(readdirSync(join(directory, "records", "c")), ["1.json"]);
});
