import assert from "node:assert/strict";
import { type StdioOptions, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ContainerdEvent } from "@pouchcontainer/containerd";
import { connectContainerd, decodeMetrics, startContainerd } from "@pouchcontainer/containerd";
import { ContainerdFixture } from "./harness/containerd-fixture.ts";
import { sendSignal } from "./harness/send-signal.ts";

const untilSigterm = "trap 'exit 7' TERM; : > /ready; while :; do sleep 0.05; done";
const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

let fixture: ContainerdFixture;
before(async () => {
  fixture = await ContainerdFixture.start();
});
after(async () => {
  await fixture[Symbol.asyncDispose]();
  assert.deepEqual(fixture.processes(), []);
});

/** What is heard of within a moment, also on a busy machine; whoever waits longer says for what. */
const soonMs = 60_000;

async function killContainerd(): Promise<void> {
  const restarted = Promise.withResolvers<void>();
  const unsubscribe = fixture.supervised.onRestarted(restarted.resolve);
  assert.ok(fixture.supervised.pid !== undefined);
  sendSignal(fixture.supervised.pid, "SIGKILL");
  const late = setTimeout(() => restarted.reject(new Error(`containerd is not back; ${fixture.words()}`)), soonMs);
  await restarted.promise.finally(() => clearTimeout(late));
  unsubscribe();
}

/** Its parent being gone, init may leave the ended process as a zombie for a while. */
function runs(pid: string): boolean {
  const status = existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/status`, "utf8") : "State:\tX";
  return !/^State:\t[XZ]/m.test(status);
}

/** What the subscription saw until `enough`. */
async function collect(
  events: AsyncIterable<ContainerdEvent>,
  enough: (event: ContainerdEvent) => boolean,
): Promise<ContainerdEvent[]> {
  const seen: ContainerdEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (enough(event)) break;
  }
  return seen;
}

test("containerd says its version, and every service we call is loaded", async () => {
  const { version } = await fixture.client.version();
  assert.match(version, /^v?\d+\.\d+/);
  const plugins = await fixture.client.plugins();
  for (const id of [
    "containers",
    "tasks",
    "snapshots",
    "content",
    "images",
    "diff",
    "leases",
    "events",
    "namespaces",
    "overlayfs",
  ]) {
    assert.equal(plugins.find((plugin) => plugin.id === id)?.error, undefined, id);
    assert.ok(
      plugins.some((plugin) => plugin.id === id),
      id,
    );
  }
  assert.deepEqual(
    plugins.filter(({ error }) => error !== undefined),
    [],
  );
});

test("the socket is for root alone", () => {
  assert.equal(statSync(fixture.options.address).mode & 0o777, 0o600);
});

test("content is written, found, read in part and deleted", async () => {
  const { content, leases } = fixture.client;
  const bytes = Buffer.alloc(5 << 20, "layer");
  const digest = sha256(bytes);
  await leases.create("layer");
  const writer = await content.openWriter("layer", { digest, size: bytes.length }, { leaseId: "layer" });
  for (let start = 0; start < bytes.length; start += 65_536) await writer.write(bytes.subarray(start, start + 65_536));
  assert.equal(writer.offset, bytes.length);
  assert.deepEqual(await writer.commit({ labels: { a: "1" } }), { digest, size: bytes.length });

  assert.equal((await content.info(digest)).size, bytes.length);
  assert.equal(Buffer.compare(await content.readAll(digest, { limitBytes: bytes.length }), bytes), 0);
  await assert.rejects(content.readAll(digest, { limitBytes: bytes.length - 1 }), {
    name: "ContentTooBig",
    message: `content ${digest} has 5242880 bytes, more than the 5242879 that may be read into memory`,
  });
  const part = Buffer.concat(await Array.fromAsync(content.read(digest, { offset: 5, size: 5 })));
  assert.equal(part.toString(), "layer");

  await content.updateLabels(digest, { b: "2", a: "" });
  assert.deepEqual((await content.info(digest)).labels, { b: "2" });
  await content.delete(digest);
  await content.delete(digest);
  await assert.rejects(content.info(digest), { kind: "notFound" });
  await leases.delete("layer");
});

test("content whose digest is not the expected one is refused, and nothing stays", async () => {
  const { content } = fixture.client;
  const writer = await content.openWriter("wrong", { digest: sha256(Buffer.from("right")), size: 5 });
  await writer.write(Buffer.from("wrong"));
  await assert.rejects(writer.commit({}), { kind: "failedPrecondition", message: /digest/ });
  await writer.abort();
  const again = await content.openWriter("wrong", { size: 5 });
  assert.equal(again.offset, 0);
  await again.abort();
});

test("an interrupted ingestion goes on where it was", async () => {
  const bytes = Buffer.alloc(3 << 20, "resume");
  const digest = sha256(bytes);
  const other = connectContainerd({ address: fixture.options.address, namespace: fixture.unique });
  await fixture.client.leases.create("resumed");
  const held = { leaseId: "resumed" };
  const first = await other.content.openWriter("resumed", { digest, size: bytes.length }, held);
  await first.write(bytes.subarray(0, 1 << 20));
  await first.write(bytes.subarray(1 << 20, 2 << 20));
  await assert.rejects(fixture.client.content.openWriter("resumed", {}), { kind: "unavailable", message: /locked/ });
  await other.close();

  const open = async (): ReturnType<typeof fixture.client.content.openWriter> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await fixture.client.content.openWriter("resumed", { digest, size: bytes.length }, held);
      } catch (error) {
        if (attempt === 50) throw error;
        await new Promise((resolve) => void setTimeout(resolve, 20));
      }
    }
  };
  const second = await open();
  await second.write(bytes.subarray(second.offset));
  await second.commit({});
  assert.equal(Buffer.compare(await fixture.client.content.readAll(digest, { limitBytes: bytes.length }), bytes), 0);
  await assert.rejects(fixture.client.content.openWriter("another", { digest, size: bytes.length }), { kind: "alreadyExists" });
  await fixture.client.leases.delete("resumed");
});

test("the same blob written several times at once is success for each", async () => {
  const { content, leases } = fixture.client;
  const bytes = Buffer.alloc(2 << 20, "same");
  const digest = sha256(bytes);
  await leases.create("same");
  const write = async (label: string) => content.writeBlob({ bytes, digest, labels: { [label]: "1" } }, { leaseId: "same" });
  await Promise.all(["a", "b", "c", "d"].map(write));
  assert.deepEqual((await content.info(digest)).labels, { a: "1", b: "1", c: "1", d: "1" });
  assert.deepEqual(await leases.listResources("same"), [{ id: digest, type: "content" }]);
  await leases.delete("same");
});

test("a lease keeps content and snapshots from the collector until it is deleted", async () => {
  const { client } = fixture;
  const snapshots = client.snapshots("overlayfs");
  const bytes = Buffer.from("held");
  const digest = sha256(bytes);
  await client.leases.create("held", { why: "test" });
  await client.content.writeBlob({ bytes, digest, labels: { first: "1" } }, { leaseId: "held" });
  await client.content.writeBlob({ bytes, digest, labels: { second: "2" } }, { leaseId: "held" });
  await snapshots.prepare("held", "", {}, { leaseId: "held" });
  assert.deepEqual((await client.content.info(digest)).labels, { first: "1", second: "2" });
  assert.deepEqual((await client.leases.listResources("held")).map(({ type }) => type).toSorted(), [
    "content",
    "snapshots/overlayfs",
  ]);

  const collect = async () => {
    await client.leases.create("collect");
    await client.leases.delete("collect", { sync: true });
  };
  await collect();
  assert.equal((await client.content.info(digest)).size, 4);
  assert.equal((await snapshots.stat("held")).kind, "active");

  await client.leases.delete("held", { sync: true });
  await assert.rejects(client.content.info(digest), { kind: "notFound" });
  await assert.rejects(snapshots.stat("held"), { kind: "notFound" });
  await client.leases.delete("held");
});

test("an image record is created once, replaced by put, and gone after delete", async () => {
  const { images } = fixture.client;
  const target = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: sha256(Buffer.from("m")), size: 1 };
  await images.create({ name: "example/one:1", target, labels: { a: "1" } });
  await assert.rejects(images.create({ name: "example/one:1", target, labels: {} }), { kind: "alreadyExists" });
  await images.put({ name: "example/one:1", target: { ...target, size: 2 }, labels: { b: "2" } });
  const image = await images.get("example/one:1");
  assert.equal(image.target.size, 2);
  assert.deepEqual(image.labels, { b: "2" });
  assert.equal((await images.list(['name=="example/one:1"'])).length, 1);
  await images.delete("example/one:1", { sync: true });
  await images.delete("example/one:1");
  await assert.rejects(images.get("example/one:1"), { kind: "notFound" });
});

test("a change on a snapshot becomes a layer, and the layer a snapshot with the same change", async () => {
  const { client } = fixture;
  const snapshots = client.snapshots("overlayfs");
  await client.leases.create("diff");
  const held = { leaseId: "diff" };
  const upper = await snapshots.prepare("upper", "", {}, held);
  writeFileSync(join(upper[0]?.source ?? "", "hello"), "from a layer");
  const lower = await snapshots.view("lower", "", {}, held);
  const layer = await client.diff.diff(
    lower,
    upper,
    { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", ref: "diff-1" },
    held,
  );
  assert.ok(layer.size > 0);

  const applied = await client.diff.apply(layer, await snapshots.prepare("applied", "", {}, held), held);
  assert.match(applied.digest, /^sha256:/);
  await snapshots.commit("committed", "applied", { x: "y" }, held);
  const info = await snapshots.stat("committed");
  assert.deepEqual([info.kind, info.labels], ["committed", { x: "y" }]);
  const view = await snapshots.view("look", "committed", {}, held);
  const source = view.find(({ type }) => type === "bind")?.source ?? "";
  assert.equal(readFileSync(join(source, "hello"), "utf8"), "from a layer");
  assert.ok((await snapshots.usage("committed")).sizeBytes > 0);
  for (const key of ["look", "committed", "lower", "upper"]) await snapshots.remove(key);
  await snapshots.remove("look");
  await client.leases.delete("diff", { sync: true });
});

test("a container runs, takes an exec, is measured, limited, paused, and ends with the status of its handler", async () => {
  const { tasks, containers } = fixture.client;
  const events = collect(fixture.client.events(), (event) => event.topic === "/tasks/delete");
  await fixture.createContainer("web", untilSigterm);
  await containers.update("web", { labels: { added: "1" } });
  assert.deepEqual((await containers.get("web")).labels, { test: fixture.unique, added: "1" });

  const pid = await fixture.createTask("web");
  assert.equal((await tasks.get("web")).status, "created");
  const exited = tasks.wait("web");
  assert.equal(await tasks.start("web"), pid);
  assert.equal((await tasks.get("web")).status, "running");
  assert.deepEqual(
    (await tasks.list()).map(({ containerId }) => containerId),
    ["web"],
  );

  const process = { args: ["/bin/sh", "-c", "exit 3"], env: ["PATH=/bin"], cwd: "/", user: { uid: 0, gid: 0 } };
  await tasks.exec({ containerId: "web", execId: "e1", process, stdio: { terminal: false } });
  const execExited = tasks.wait("web", "e1");
  await tasks.start("web", "e1");
  assert.equal((await execExited).exitStatus, 3);
  assert.equal((await tasks.get("web", "e1")).status, "stopped");
  assert.equal((await tasks.deleteProcess("web", "e1")).exitStatus, 3);

  await tasks.update("web", { memory: { limit: 64 << 20 } });
  const [measured] = await tasks.metrics(["web"]);
  assert.ok(measured !== undefined);
  const metrics = decodeMetrics(measured.data);
  assert.equal(metrics.memory.limitBytes, 64 << 20);
  assert.ok(metrics.pids.current >= 1 && metrics.cpu.usageNs > 0);
  assert.ok((await tasks.listPids("web")).some((listed) => listed.pid === pid));

  await tasks.pause("web");
  assert.equal((await tasks.get("web")).status, "paused");
  await tasks.resume("web");
  await assert.rejects(tasks.delete("web"), /running process/);
  await tasks.kill("web", { signal: 15 });
  assert.equal((await exited).exitStatus, 7);
  assert.equal((await tasks.wait("web")).exitStatus, 7);
  assert.equal((await tasks.delete("web")).exitStatus, 7);
  await assert.rejects(tasks.get("web"), { kind: "notFound" });
  await fixture.removeContainer("web");

  const seen = (await events).filter(({ type }) => type !== "other");
  assert.deepEqual(
    seen.map((event) => (event.type === "taskExit" ? [event.execId, event.exitStatus] : event.type)),
    ["taskStart", ["e1", 3], "taskPaused", "taskResumed", ["", 7]],
  );
});

test("containers are listed also when all their specs together are longer than a message may be", async () => {
  const { containers } = fixture.client;
  const ids = Array.from({ length: 5 }, (_, index) => `long-${index}`);
  const spec = { annotations: { long: "x".repeat(4 << 20) } };
  const record = { image: "", runtime: { name: "io.containerd.runc.v2" }, snapshotter: "", snapshotKey: "" };
  for (const id of ids) await containers.create({ ...record, id, spec, labels: { long: "1" } });
  const found = await containers.list(["labels.long"]);
  assert.deepEqual(
    found.map(({ id }) => id),
    ids,
  );
  assert.deepEqual(found[4]?.spec, spec);
  for (const id of ids) await containers.delete(id);
  assert.deepEqual(await containers.list(["labels.long"]), []);
});

test("a container that uses more memory than it may is reported", async () => {
  const { client } = fixture;
  const oom = collect(client.events(['topic=="/tasks/oom"']), () => true);
  await fixture.createContainer("hungry", "x=a; while :; do x=$x$x; done");
  await fixture.createTask("hungry");
  await client.tasks.update("hungry", { memory: { limit: 16 << 20, swap: 16 << 20 } });
  const exited = client.tasks.wait("hungry");
  await client.tasks.start("hungry");
  assert.equal((await exited).exitStatus, 137);
  assert.deepEqual(
    (await oom).map((event) => event.type === "taskOom" && event.containerId),
    ["hungry"],
  );
  await fixture.removeContainer("hungry");
});

test("two hundred waits at once hold up no other call", async () => {
  const { client } = fixture;
  const { tasks } = client;
  await fixture.createContainer("waited", untilSigterm);
  await fixture.createTask("waited");
  await fixture.startTask("waited");
  const waits = Promise.all(Array.from({ length: 200 }, async () => tasks.wait("waited")));
  await client.version({ timeoutMs: 30_000 });
  await tasks.kill("waited", { signal: 15 });
  assert.deepEqual([...new Set((await waits).map(({ exitStatus }) => exitStatus))], [7]);
  await fixture.removeContainer("waited");
});

test("kill -9 of containerd: it comes back, the client reconnects, tasks ran on, and an exit meanwhile has its true status", async () => {
  const { client } = fixture;
  for (const id of ["stays", "ends"]) await fixture.createContainer(id, untilSigterm);
  const pids = new Map<string, number>();
  for (const id of ["stays", "ends"]) {
    pids.set(id, await fixture.createTask(id));
    await fixture.startTask(id);
  }
  const soon = () => ({ timeoutMs: soonMs });
  const signal = AbortSignal.timeout(soonMs);
  const subscription = collect(client.events([], { signal }), () => false);
  const interrupted = assert.rejects(client.tasks.wait("stays", "", soon()), { kind: "unavailable" });
  const restarting = killContainerd();
  sendSignal(pids.get("ends"), "SIGTERM");
  await Promise.all([restarting, interrupted, subscription]);
  assert.equal(signal.aborted, false, "the subscription did not end with its connection");
  await client.whenReconnected({ signal });

  const stays = await client.tasks.get("stays");
  assert.deepEqual([stays.status, stays.pid], ["running", pids.get("stays")]);
  assert.equal((await client.tasks.wait("ends", "", soon())).exitStatus, 7);

  const isExit = (event: ContainerdEvent) => event.type === "taskExit" && event.containerId === "stays";
  const exits = collect(client.events([], { signal: AbortSignal.timeout(soonMs) }), isExit);
  const exited = client.tasks.wait("stays", "", soon());
  await client.tasks.kill("stays", { signal: 15 });
  assert.equal((await exited).exitStatus, 7);
  const told = (await exits).filter(isExit).map((event) => event.type === "taskExit" && event.exitStatus);
  assert.deepEqual(told, [7], `the event of the exit; ${fixture.words()}`);
  for (const id of ["stays", "ends"]) await fixture.removeContainer(id);
});

test("a new supervisor adopts the containerd that runs, and restarts that one too when it dies", async () => {
  const { pid } = fixture.supervised;
  await fixture.supervised.detach();
  fixture.supervised = await startContainerd(fixture.options);
  assert.deepEqual([fixture.supervised.pid, fixture.supervised.adopted], [pid, true]);
  await killContainerd();
  assert.notEqual(fixture.supervised.pid, pid);
  assert.equal(await fixture.client.serving(), true);
});

test("it outlives a kill -9 of the whole process group of the daemon that started it", async () => {
  const folder = join(fixture.folder, "other");
  const options = {
    root: join(folder, "root"),
    state: join(folder, "state"),
    address: join(folder, "containerd.sock"),
    logFile: join(folder, "containerd.log"),
  };
  const script = `
    import { startContainerd } from ${JSON.stringify(import.meta.resolve("@pouchcontainer/containerd"))};
    const logger = { info() {}, warn() {}, error() {} };
    const supervised = await startContainerd({ ...${JSON.stringify(options)}, logger, env: process.env });
    console.log(supervised.pid);
    setInterval(() => {}, 1000);`;
  const stdio: StdioOptions = ["ignore", "pipe", "inherit"];
  const daemon = spawn(process.execPath, ["--input-type=module", "-e", script], { detached: true, stdio });
  assert.ok(daemon.stdout !== null && daemon.pid !== undefined);
  const [line] = (await once(daemon.stdout, "data")) as [Buffer]; // What a stream without encoding emits.
  const gone = once(daemon, "exit");
  process.kill(-daemon.pid, "SIGKILL");
  await gone;

  const second = await startContainerd({ ...fixture.options, ...options });
  assert.deepEqual([second.pid, second.adopted], [Number(line.toString()), true]);
  await second.stop();
  assert.equal(runs(line.toString().trim()), false);
  assert.equal(existsSync(options.address), false);
});

test("it is found without its pid file too, and one with another configuration is replaced", async () => {
  const { pid } = fixture.supervised;
  await fixture.supervised.detach();
  writeFileSync(join(fixture.options.state, "containerd.pid"), "1 0 other-boot\n");
  fixture.supervised = await startContainerd(fixture.options);
  assert.deepEqual([fixture.supervised.pid, fixture.supervised.adopted], [pid, true]);

  await fixture.supervised.detach();
  fixture.supervised = await startContainerd({ ...fixture.options, shimDebug: true });
  assert.notEqual(fixture.supervised.pid, pid);
  assert.equal(fixture.supervised.adopted, false);
  assert.equal(existsSync(`/proc/${pid}`), false);
});

test("a socket that another containerd serves is left alone", async () => {
  const state = join(fixture.folder, "second");
  const second = startContainerd({ ...fixture.options, state, root: state });
  await assert.rejects(second, { kind: "conflict", message: new RegExp(fixture.options.address) });
  assert.equal(await fixture.client.serving(), true);
});

test("a missing program says what to install; one that ends says what it logged", async () => {
  const elsewhere = {
    root: join(fixture.folder, "r"),
    state: join(fixture.folder, "s"),
    address: join(fixture.folder, "x.sock"),
  };
  const options = { ...fixture.options, ...elsewhere };
  await assert.rejects(startContainerd({ ...options, binary: "no-such-containerd" }), {
    kind: "failedPrecondition",
    message: /no-such-containerd.*package "containerd".*--containerd ADDRESS/,
  });
  writeFileSync(join(fixture.folder, "file"), "where a folder has to be");
  await assert.rejects(startContainerd({ ...options, root: join(fixture.folder, "file/below") }), /ENOTDIR/);
  writeFileSync(join(fixture.folder, "failing"), "#!/bin/sh\necho cannot open the database >&2\nexit 1\n", { mode: 0o755 });
  await assert.rejects(startContainerd({ ...options, binary: join(fixture.folder, "failing") }), {
    kind: "unavailable",
    message: /exit status 1[^]*cannot open the database/,
  });
});
