import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { parseRfc3339 } from "@pouchcontainer/engine";
import { EngineHarness, eventually, textOf, type Daemon } from "./engine-harness.ts";

let harness: EngineHarness;
let daemon: Daemon;

before(async () => {
  harness = await EngineHarness.start();
  daemon = await harness.daemon();
  daemon.recordEvents();
});

after(async () => {
  await daemon.leave();
  await harness.stop();
  assert.deepEqual(daemon.problems, []);
});

const everything = { stdout: true, stderr: true, follow: false, timestamps: false, details: false };
const never = new AbortController().signal;

test("the file is Docker's json-file, and both streams are told apart", async () => {
  const { id } = await daemon.run(["sh", "-c", "echo out; echo err >&2"], {
    Labels: { tier: "web" },
    HostConfig: { LogConfig: { Type: "json-file", Config: { labels: "tier" } } },
  });
  const { LogPath } = await daemon.containers.inspect(id, { size: false });
  const entries = readFileSync(LogPath, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(entries.map(({ stream, log, attrs }) => [stream, log, attrs]).sort(), [
    ["stderr", "err\n", { tier: "web" }],
    ["stdout", "out\n", { tier: "web" }],
  ]);
  assert.match(entries[0].time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
  const { output } = await daemon.containers.logs(id, { ...everything, stdout: false }, never);
  assert.equal(await textOf(output), "err\n");
  await daemon.remove(id);
});

test("a run starts before its first line, and ends after its start: the log since its start has all of it", async () => {
  const id = await daemon.create(["echo", "first words"]);
  for (let round = 0; round < 20; round++) {
    const exited = daemon.waitFor(id, "next-exit");
    await daemon.containers.start(id);
    await exited;
    const { State } = await daemon.containers.inspect(id, { size: false });
    const since = parseRfc3339(State.StartedAt);
    assert.ok(since !== undefined && since <= (parseRfc3339(State.FinishedAt) ?? 0n));
    const { output } = await daemon.containers.logs(id, { ...everything, since }, never);
    assert.equal(await textOf(output), "first words\n", `round ${round}`);
  }
  assert.deepEqual(daemon.pastEvents(id), ["create", ...Array.from({ length: 20 }, () => ["start", "die"]).flat()]);
  await daemon.remove(id);
});

test("a follower sees lines as they come and ends with the container", async () => {
  const id = await daemon.create(["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done"]);
  await daemon.containers.start(id);
  const { output } = await daemon.containers.logs(id, { ...everything, follow: true }, never);
  assert.equal(await textOf(output), "1\n2\n3\n");
  await daemon.remove(id);
});

test("a follower that goes away leaves the container alone", async () => {
  const id = await daemon.create(["sh", "-c", "while :; do echo x; sleep 0.05; done"]);
  await daemon.containers.start(id);
  const client = new AbortController();
  const { output } = await daemon.containers.logs(id, { ...everything, follow: true }, client.signal);
  for await (const { data } of output) {
    assert.equal(Buffer.from(data).toString().slice(0, 2), "x\n");
    client.abort();
  }
  assert.equal((await daemon.containers.inspect(id, { size: false })).State.Running, true);
  await daemon.remove(id);
});

test("files rotate while a fast writer writes, and a follower misses nothing it can still have", async () => {
  const { id } = await daemon.run(["seq", "200000"], {
    HostConfig: { LogConfig: { Type: "json-file", Config: { "max-size": "4m", "max-file": "10" } } },
  });
  const { output } = await daemon.containers.logs(id, everything, never);
  const text = await textOf(output);
  assert.equal(text.length, Array.from({ length: 200_000 }, (_, n) => `${n + 1}\n`).join("").length);
  const last = await daemon.containers.logs(id, { ...everything, tail: 3 }, never);
  assert.equal(await textOf(last.output), "199998\n199999\n200000\n");
  await daemon.remove(id);
});

test("without a log there is nothing to read, and the output still reaches who is attached", async () => {
  const id = await daemon.create(["echo", "hello"], { HostConfig: { LogConfig: { Type: "none", Config: {} } } });
  const session = await daemon.containers.attach(id, { stdin: false, stdout: true, stderr: true, logs: false, stream: true });
  await daemon.containers.start(id);
  assert.equal(await textOf(session.output), "hello\n");
  await assert.rejects(daemon.containers.logs(id, everything, never), /configured logging driver does not support reading/);
  await daemon.remove(id);
});

test("a client that never reads holds up neither the log nor the container", async () => {
  const id = await daemon.create(["head", "-c", "20000000", "/dev/zero"]);
  const session = await daemon.containers.attach(id, { stdin: false, stdout: true, stderr: true, logs: false, stream: true });
  await daemon.containers.start(id);
  assert.equal(await daemon.waitFor(id), 0);
  let received = 0;
  for await (const { data } of session.output) received += data.length;
  assert.equal(received, 20_000_000);
  await eventually("it can be removed", () =>
    daemon.remove(id).then(
      () => true,
      () => false,
    ),
  );
});
