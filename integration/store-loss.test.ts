import assert from "node:assert/strict";
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { Daemon, eventually, projectRoot, run } from "./harness/daemon.ts";
import { sendSignal } from "./harness/send-signal.ts";

/** Whatever becomes of the database, no container, volume or log is lost over it, nothing is killed, and the message says what to do. */

let daemon: Daemon;

before(async () => {
  daemon = await Daemon.start();
});

after(() => daemon[Symbol.asyncDispose]());

const file = (): string => join(daemon.homeDirectory, "pouch.db");

async function start(name: string, ...more: string[]): Promise<{ id: string; pid: number }> {
  const { stdout, stderr } = await daemon.docker("run", "-d", "--name", name, ...more);
  assert.equal(stderr, "");
  return { id: stdout.trim(), pid: await pidOf(name) };
}

async function pidOf(name: string): Promise<number> {
  return Number((await daemon.docker("inspect", "-f", "{{.State.Pid}}", name)).stdout);
}

/** The database and its log, as they lie there. */
function keep(place: string): void {
  for (const end of ["", "-wal"]) {
    rmSync(join(daemon.directory, `${place}${end}`), { force: true });
    if (existsSync(`${file()}${end}`)) copyFileSync(`${file()}${end}`, join(daemon.directory, `${place}${end}`));
  }
}

function putBack(place: string): void {
  for (const end of ["", "-wal", "-shm"]) {
    rmSync(`${file()}${end}`, { force: true });
    if (existsSync(join(daemon.directory, `${place}${end}`)))
      copyFileSync(join(daemon.directory, `${place}${end}`), `${file()}${end}`);
  }
}

function onlyHeader(): void {
  for (const end of ["", "-wal"]) rmSync(`${file()}${end}`, { force: true });
  edit("PRAGMA journal_mode=WAL");
}

function edit(sql: string): void {
  const db = new DatabaseSync(file());
  db.exec(sql);
  db.close();
}

test("a database that cannot be the right one is refused at the start; containers run on, and the right one takes them up", async () => {
  const { id, pid } = await start(
    "web",
    "-v",
    "data:/data",
    "busybox",
    "sh",
    "-c",
    "echo said > /data/file; echo said; sleep 1000",
  );
  await daemon.docker("run", "--name", "done", "busybox", "echo", "bye");
  await daemon.kill9();
  keep("good");
  const whole = (): Buffer => {
    edit("PRAGMA wal_checkpoint(TRUNCATE)");
    return readFileSync(file());
  };
  const losses: [change: () => void, message: RegExp][] = [
    [
      () => ["", "-wal"].forEach((end) => rmSync(`${file()}${end}`, { force: true })),
      /has no records, but .* holds 2 folders of containers, 1 volume/,
    ],
    [() => (truncateSync(file(), 0), rmSync(`${file()}-wal`)), /has no records, but .* holds 2 folders of containers, 1 volume/],
    [onlyHeader, /has no records, but .* holds 2 folders of containers, 1 volume/],
    [() => writeFileSync(file(), whole().fill(0x5a, 4096 + 8, 8192)), /is damaged/],
    [() => edit("PRAGMA user_version = 99"), /written by a newer daemon/],
    [() => edit("UPDATE meta SET value = 'another' WHERE key = 'id'"), /belongs to another daemon \(another\)/],
  ];
  for (const [change, message] of losses) {
    change();
    await assert.rejects(daemon.launch(), message);
    sendSignal(pid, 0);
    putBack("good");
  }
  await daemon.launch();
  assert.equal(await pidOf("web"), pid);
  assert.equal((await daemon.docker("logs", "web")).stdout, "said\n");
  assert.equal((await daemon.docker("exec", "web", "cat", "/data/file")).stdout, "said\n");
  assert.equal((await daemon.docker("logs", "done")).stdout, "bye\n");
  assert.equal((await daemon.docker("inspect", "-f", "{{.Id}}", "web")).stdout.trim(), id);
});

test("over a restored backup, containers made since are set aside, keep their volumes, and are adopted or removed", async () => {
  const backup = join(daemon.directory, "backup.db");
  assert.match((await daemon.pouch("system", "backup", backup)).stdout, /backup\.db: /);
  assert.equal(statSync(backup).mode & 0o777, 0o600);
  const again = await daemon.pouch("system", "backup", backup);
  assert.deepEqual([again.code, again.stderr.includes("exists already")], [1, true]);

  await daemon.docker("network", "create", "front");
  const archive = join(daemon.directory, "own.tar");
  makeImageArchive(archive, { name: "own:latest", config: { Labels: { own: "yes" } } });
  await daemon.load(archive);
  const late = await start(
    "late",
    "--network",
    "front",
    "-v",
    "late-data:/data",
    "own",
    "sh",
    "-c",
    "echo kept > /data/file; sleep 1000",
  );
  const ended = (await daemon.docker("create", "--name", "ended", "busybox", "true")).stdout.trim();
  await daemon.docker("rename", "done", "finished");
  const webPid = await pidOf("web");
  const address = (await daemon.docker("inspect", "-f", "{{.NetworkSettings.Networks.front.IPAddress}}", "late")).stdout.trim();
  await daemon.stop();
  assert.ok(!existsSync(`${file()}-wal`), "after a stop the file alone is complete");
  copyFileSync(backup, file());

  await daemon.launch();
  assert.match(daemon.log, /the store is older than its home directory/);
  const table = (await daemon.pouch("system", "orphans")).stdout.split("\n");
  assert.ok(
    table.some((line) => line.startsWith(late.id.slice(0, 12)) && /late +own .* running +true/.test(line)),
    table.join("\n"),
  );
  assert.ok(table.some((line) => line.startsWith(ended.slice(0, 12))));
  assert.equal(await pidOf("web"), webPid);
  sendSignal(late.pid, 0);
  assert.match(
    (await daemon.docker("ps", "-a", "--format", "{{.Names}}")).stdout,
    /^finished$/m,
    "what is newer beside is known",
  );

  assert.match((await daemon.docker("rmi", "own")).stderr, /conflict: .* container .* is using its referenced image/);
  await daemon.docker("image", "prune", "-af");
  assert.equal((await daemon.docker("image", "inspect", "own")).code, 0);
  await daemon.docker("volume", "prune", "-af");
  assert.match((await daemon.docker("volume", "rm", "late-data")).stderr, /in use/);
  await start("beside", "--network", "front", "busybox", "sleep", "1000");
  const other = (await daemon.docker("inspect", "-f", "{{.NetworkSettings.Networks.front.IPAddress}}", "beside")).stdout.trim();
  assert.notEqual(other, address, "the address of what is set aside is not given again");

  const adopted = await daemon.pouch("system", "orphans", "--adopt", late.id.slice(0, 12));
  assert.deepEqual([adopted.code, adopted.stderr], [0, ""]);
  assert.equal(await pidOf("late"), late.pid);
  assert.equal((await daemon.docker("exec", "late", "cat", "/data/file")).stdout, "kept\n");
  assert.equal((await daemon.docker("exec", "beside", "ping", "-c1", "-W5", "late")).code, 0);
  assert.equal((await daemon.pouch("system", "orphans", "--remove", ended)).code, 0);
  assert.equal((await daemon.pouch("system", "orphans", "-q")).stdout.trim(), "");
  assert.ok(!readdirSync(join(daemon.homeDirectory, "containers")).includes(ended));
  await daemon.stop();
  await daemon.launch();
  assert.equal(await pidOf("late"), late.pid, "an adopted container is one like others");
});

test("pouchd --rebuild-store makes the database anew: containers run on, volumes, networks and settings are there", async () => {
  await daemon.docker("volume", "create", "--label", "of=test", "labelled");
  await eventually("its record lies beside", () => existsSync(join(daemon.homeDirectory, "records/volumes/labelled.json")));
  const pids = [await pidOf("web"), await pidOf("late")];
  await daemon.kill9();
  for (const end of ["", "-wal"]) rmSync(`${file()}${end}`, { force: true });
  const rebuilt = await run(join(projectRoot, "bin/pouchd"), [
    "--rebuild-store",
    `--home-dir=${daemon.homeDirectory}`,
    `--pidfile=${join(daemon.directory, "pid")}`,
    `--config-file=${join(daemon.directory, "config.json")}`,
  ]);
  assert.deepEqual([rebuilt.code, rebuilt.stderr], [0, ""]);
  assert.match(rebuilt.stdout, /rebuilt: 4 of containers/);
  await daemon.launch();
  assert.deepEqual([await pidOf("web"), await pidOf("late")], pids);
  assert.equal((await daemon.docker("volume", "inspect", "-f", '{{index .Labels "of"}}', "labelled")).stdout.trim(), "test");
  assert.equal((await daemon.docker("exec", "beside", "ping", "-c1", "-W5", "late")).code, 0);
  assert.equal((await daemon.pouch("system", "orphans", "-q")).stdout.trim(), "");
});

test("a container whose folder is gone gets a new one with the next start of the daemon, and starts", async () => {
  const ids: string[] = [];
  for (const name of ["never-started", "ended"])
    ids.push((await daemon.docker("create", "--name", name, "--network", "none", "busybox", "echo", "said")).stdout.trim());
  await daemon.docker("start", "-a", "ended");
  await daemon.kill9();
  for (const id of ids) rmSync(join(daemon.homeDirectory, "containers", id), { recursive: true });
  await daemon.launch();
  for (const name of ["never-started", "ended"]) {
    const started = await daemon.docker("start", "-a", name);
    assert.deepEqual([started.stdout, started.code], ["said\n", 0], started.stderr);
    assert.equal((await daemon.docker("logs", name)).stdout, "said\n");
    assert.equal((await daemon.docker("rm", name)).code, 0);
  }
});

test("a container whose snapshot is gone is told, and can be removed; the others do not mind", async () => {
  daemon.expectsErrors(/a container has lost its files/);
  await daemon.docker("create", "--name", "hollow", "busybox", "true");
  const { stdout } = await daemon.docker("inspect", "-f", "{{.Id}}", "hollow");
  await daemon.kill9();
  const ctr = ["-a", join(daemon.execRoot, "containerd.sock"), "-n", "pouch", "snapshots", "rm", stdout.trim()];
  const removed = await run("ctr", ctr);
  assert.equal(removed.code, 0, removed.stderr);
  await daemon.launch();
  assert.match((await daemon.docker("inspect", "-f", "{{.State.Error}}", "hollow")).stdout, /its files are gone/);
  assert.notEqual(await pidOf("web"), 0);
  assert.equal((await daemon.docker("rm", "hollow")).code, 0);
  await eventually("its folder is gone", () => !readdirSync(join(daemon.homeDirectory, "containers")).includes(stdout.trim()));
});
