/**
 * One script of calls, right, odd and wrong, is played to dockerd 20.10 and to pouchd side by side, and every field of every
 * answer is compared. The table in `differential/differences.ts` holds what differs, with its reason; a difference that is not in it fails, and so does
 * a row for which there is no difference any more.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { Daemon } from "../integration/harness/daemon.ts";
import { Dockerd } from "../integration/harness/dockerd.ts";
import { compare, type FieldDifference } from "./differential/compare.ts";
import { differences } from "./differential/differences.ts";
import { EngineUnderComparison, type Answer } from "./differential/engine-under-comparison.ts";
import { exchange } from "./differential/exchange.ts";
import { ExpectedDifferences } from "./differential/expected-differences.ts";
import { script } from "./differential/script/index.ts";
import { keyOf, type Step } from "./differential/step.ts";
import { eventTables } from "./differential/event-table.ts";
import { EventWatch } from "./differential/watch-events.ts";

let pouchd: Daemon;
let dockerd: Dockerd;
let ours: EngineUnderComparison;
let theirs: EngineUnderComparison;
let watches: [EventWatch, EventWatch];
const expected = new ExpectedDifferences(differences);
/** Calls whose answers end when the script does. */
const open: { step: Step; answers: (() => Promise<Answer>)[] }[] = [];

before(async () => {
  // The same bridge and subnets as dockerd's defaults: each daemon has a network namespace of its own.
  const ownBridge = ["--bridge-name", "docker0"];
  [pouchd, dockerd] = await Promise.all([Daemon.start({ ownNetwork: true, flags: ownBridge, image: false }), Dockerd.start()]);
  const archive = join(dockerd.directory, "busybox.tar");
  makeImageArchive(archive, { name: "busybox:latest" });
  const load = { method: "POST", path: "/images/load", headers: { "Content-Type": "application/x-tar" } };
  const payload = readFileSync(archive);
  await Promise.all([pouchd, dockerd].map(async ({ socket }) => (await exchange(socket, { ...load, payload })).body));
  ours = new EngineUnderComparison(pouchd);
  theirs = new EngineUnderComparison(dockerd);
  watches = await Promise.all([EventWatch.start(pouchd.socket), EventWatch.start(dockerd.socket)]);
});
after(async () => {
  for (const watch of watches ?? []) watch.stop();
  try {
    await pouchd?.[Symbol.asyncDispose]();
  } finally {
    await dockerd?.[Symbol.asyncDispose]();
  }
});

test("no two calls have the same key", () => {
  const keys = Object.values(script).flat().map(keyOf);
  assert.deepEqual(
    keys.filter((key, index) => keys.indexOf(key) !== index),
    [],
  );
});

for (const [chapter, steps] of Object.entries(script)) {
  test(`${chapter}: ${steps.length} calls`, async () => {
    const unexpected: string[] = [];
    for (const step of steps) {
      const answers = await Promise.all([ours.play(step), theirs.play(step)]);
      if (step.goesOn) open.push({ step, answers });
      else unexpected.push(...(await differing(step, answers)));
    }
    assertNone(unexpected);
  });
}

test("streams that went on beside other calls", async () => {
  const unexpected: string[] = [];
  for (const { step, answers } of open) unexpected.push(...(await differing(step, answers)));
  assertNone(unexpected);
});

test("events of each type, in their order", async () => {
  const last = { call: "POST /volumes/create", body: { Name: "the-end" } };
  await Promise.all([ours.play(last), theirs.play(last)]);
  const heard = async (watch: EventWatch, engine: EngineUnderComparison): Promise<unknown[]> =>
    engine.named(await watch.untilVolume("the-end"));
  const [our, their] = await Promise.all([heard(watches[0], ours), heard(watches[1], theirs)]);
  assertNone(rowsOf("events", compare(...eventTables(our, their))));
});

test("every row of the table is needed", () => {
  const rows = expected.unused.map((row) => JSON.stringify(row));
  if (rows.length > 0) assert.fail(`rows without a difference:\n${rows.join("\n")}`);
});

function assertNone(unexpected: string[]): void {
  if (unexpected.length > 0) assert.fail(`differences that are not in the table:\n${unexpected.join("\n")}`);
}

async function differing(step: Step, answers: (() => Promise<Answer>)[]): Promise<string[]> {
  const [our, their] = await Promise.all(answers.map((answer) => answer()));
  return rowsOf(keyOf(step), compare(our, their));
}

/** What no row of the table describes, written as a row of the table. */
function rowsOf(call: string, found: FieldDifference[]): string[] {
  return expected.unexpected(call, found).map((difference) => `${JSON.stringify({ call, ...difference })},`);
}
