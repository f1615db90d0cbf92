import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer, json } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { FileWorkers } from "./file-workers.ts";
import type { FileView } from "./index.ts";

const view: FileView = { kind: "assembled", parts: [], binds: [] };

/** Workers that are a shell script instead: descriptor 3 is the channel, the standard streams are the content. */
function workersDoing(t: TestContext, script: string, beginMs = 10_000): FileWorkers {
  const workers = new FileWorkers({ command: "/bin/sh", args: ["-c", script], beginMs });
  t.after(() => workers.close());
  return workers;
}

const said = (message: object): string => `echo '${JSON.stringify(message)}' >&3`;
const readJob = `${said({ up: true })}; read job <&3`;
const options = { noOverwriteDirNonDir: false, readOnlyRoot: false, mounts: [] };

test("a worker's answer and its refusal are those of the job", async (t) => {
  const good = workersDoing(t, `${readJob}; ${said({ answer: [1, 2] })}`);
  assert.deepEqual(await good.sizesOf(["/a", "/b"]), [1, 2]);
  const bad = workersDoing(t, `${readJob}; ${said({ failure: { kind: "forbidden", message: "read-only" } })}`);
  await assert.rejects(bad.stat(view, "/x"), { kind: "forbidden", message: "read-only" });
});

test("a worker that ends without a word, or dies, fails its job", async (t) => {
  const silent = workersDoing(t, `${readJob}; echo why >&2; exit 3`);
  await assert.rejects(silent.stat(view, "/"), /cut short: exit status 3/);
  const killed = workersDoing(t, `${readJob}; kill -9 $$`);
  await assert.rejects(killed.copyUp(view, "/"), /cut short: killed by SIGKILL/);
  const missing = new FileWorkers({ command: "/nonexistent", args: [] });
  await assert.rejects(missing.stat(view, "/"), (error) => isKind(error, "unavailable"));
  await missing.close();
});

test("of many workers a few are started at a time, and all do their jobs", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-workers-"));
  const starting = `mkdir -p ${folder}/now; touch ${folder}/now/$$; ls ${folder}/now | wc -l >> ${folder}/counts; sleep 0.02; rm ${folder}/now/$$`;
  const workers = workersDoing(t, `${starting}; ${readJob}; ${said({ answer: [1] })}`);
  // After the workers, one of which is about to begin.
  t.after(() => rmSync(folder, { recursive: true }));
  const answers = await Promise.all(Array.from({ length: 30 }, () => workers.sizesOf(["/"])));
  assert.deepEqual(
    answers,
    Array.from({ length: 30 }, () => [1]),
  );
  const counts = readFileSync(join(folder, "counts"), "utf8").trim().split("\n").map(Number);
  // One more is the one that is kept for the next job.
  assert.ok(Math.max(...counts) <= 5, `${Math.max(...counts)} at once`);
});

test("a worker that does not begin is killed", async (t) => {
  const hanging = workersDoing(t, `${readJob}; exec sleep 60`, 50);
  await assert.rejects(hanging.stat(view, "/"), (error) => isKind(error, "deadlineExceeded"));
  await assert.rejects(hanging.export(view), (error) => isKind(error, "deadlineExceeded"));
  await assert.rejects(
    hanging.hold(view, () => undefined),
    (error) => isKind(error, "deadlineExceeded"),
  );
});

test("a tar ends only when the job is done, and fails when its worker dies with half of it written", async (t) => {
  const whole = workersDoing(t, `${readJob}; ${said({ head: true })}; printf whole; ${said({})}`);
  const { tar, ended } = await whole.export(view);
  assert.equal((await buffer(tar)).toString(), "whole");
  await ended;
  const half = workersDoing(t, `${readJob}; ${said({ head: true })}; printf half; kill -9 $$`);
  await assert.rejects(buffer((await half.export(view)).tar), /cut short: killed by SIGKILL/);
});

test("changes flow beside the channel, and who asks no more ends the worker that looks for them", async (t) => {
  const telling = workersDoing(t, `${readJob}; ${said({ head: 1 })}; printf '[{"Path":"/a","Kind":1}]'; ${said({})}`);
  const told = await telling.changes(view, [], new AbortController().signal);
  assert.equal(told.count, 1);
  assert.deepEqual(await json(told.json), [{ Path: "/a", Kind: 1 }]);
  const looking = workersDoing(t, `${readJob}; exec sleep 60`);
  const client = new AbortController();
  const asked = looking.changes(view, [], client.signal);
  setTimeout(() => client.abort(), 50);
  await assert.rejects(asked, (error) => isKind(error, "cancelled"));
});

test("a message without an end is not gathered for ever", async (t) => {
  const endless = workersDoing(t, `${readJob}; exec tr '\\0' x < /dev/zero >&3`);
  await assert.rejects(endless.sizesOf(["/"]), /sent a message of more than 16777216 characters/);
});

test("who lets go of a tar ends its worker", async (t) => {
  const endless = workersDoing(t, `${readJob}; ${said({ head: true })}; exec cat /dev/zero`);
  const { tar, ended } = await endless.export(view);
  await once(tar, "readable");
  tar.destroy();
  await ended;
});

test("a source that breaks off fails the job, and one that is refused is left as it is", async (t) => {
  const taking = workersDoing(t, `${readJob}; ${said({ head: true })}; cat > /dev/null; ${said({})}`);
  const broken = Readable.from(
    (async function* () {
      yield Buffer.alloc(1000);
      throw new Error("gone");
    })(),
  );
  await assert.rejects(taking.unpack(view, "/", broken, options), (error) => isKind(error, "cancelled"));
  const refusing = workersDoing(t, `${readJob}; ${said({ failure: { kind: "notFound", message: "/x" } })}`);
  const source = Readable.from([Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)]);
  await assert.rejects(refusing.unpack(view, "/x", source, options), (error) => isKind(error, "notFound"));
  assert.equal(source.destroyed, false);
  assert.equal((await buffer(source)).length, 2 << 20, "whole");
});

test("everything handed over arrives, and the job's word is waited for", async (t) => {
  const counting = workersDoing(t, `${readJob}; ${said({ head: true })}; [ "$(wc -c)" = 3000000 ] && ${said({})}`);
  await counting.unpack(view, "/", Readable.from([Buffer.alloc(3), Buffer.alloc(2_999_997)]), options);
});
