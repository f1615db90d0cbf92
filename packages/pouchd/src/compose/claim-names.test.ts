import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { claimNames, type ClaimOptions } from "./claim-names.ts";
import type { NamedThing } from "./named-things.ts";

function claimsFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "pouch-claims-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const bridge = (name: string): NamedThing => ({
  what: `the bridge ${name}`,
  place: `bridge ${name}`,
  option: "a --bridge-name",
});
const home = (folder: string): NamedThing => ({
  what: `the folder ${folder}`,
  place: `folder ${folder}`,
  option: "a --home-dir",
  folder,
});
const one = ["/one", "process 1 with --home-dir /one"] as const;
const two = ["/two", "process 2 with --home-dir /two"] as const;
/** Claims in a folder, on a machine that has these places' things still. */
const on = (folder: string, ...there: string[]): ClaimOptions => ({
  folder,
  mayBeNeeded: (place) => Promise.resolve(there.includes(place)),
});

test("a name is one daemon's: a second one is told which and whose, and has claimed nothing", async (t) => {
  const machine = on(claimsFolder(t), "bridge p0");
  const first = await claimNames([bridge("p0")], ...one, machine);
  await assert.rejects(claimNames([bridge("free"), bridge("p0")], ...two, machine), {
    kind: "unavailable",
    message:
      "the bridge p0 is in use by another daemon (process 1 with --home-dir /one): stop it, or give this one a --bridge-name of its own",
  });
  (await claimNames([bridge("free")], ...two, machine)).close(false);
  first.close(false);
  (await claimNames([bridge("p0")], ...two, machine)).close(false);
  assert.deepEqual(readdirSync(machine.folder ?? ""), [], "nothing is left of claims that were given up");
});

test("what containers of a daemon that ended go on with is kept for it, as long as it is there", async (t) => {
  const folder = claimsFolder(t);
  (await claimNames([bridge("p0"), home("/one")], ...one, on(folder))).close(true);
  const note = join(folder, readdirSync(folder).find((name) => !name.endsWith(".lock")) ?? "");
  await assert.rejects(claimNames([bridge("p0")], ...two, on(folder, "bridge p0")), {
    message: `the bridge p0 belongs to a daemon that does not run (process 1 with --home-dir /one) but may have containers: remove ${note} if that one will not come back, or give this one a --bridge-name of its own`,
  });
  (await claimNames([bridge("p0")], ...one, on(folder, "bridge p0"))).close(true);
  (await claimNames([bridge("p0")], ...two, on(folder))).close(false);
  assert.deepEqual(readdirSync(folder), []);
});

test("a home's bridge or table is not left behind under its old name", async (t) => {
  const folder = claimsFolder(t);
  const there = (name: string): NamedThing => ({ ...bridge(name), place: `bridge ${name} in network namespace 4:7` });
  (await claimNames([there("p0")], ...one, on(folder))).close(true);
  const machine = on(folder, there("p0").place);
  await assert.rejects(claimNames([there("p1")], ...one, machine), {
    kind: "failedPrecondition",
    message: /^\/one had the bridge p0 .* start with that name again, and stop them before it becomes the bridge p1, or remove/,
  });
  (await claimNames([there("p1")], ...two, machine)).close(false);
  (await claimNames([there("p0")], ...one, machine)).close(false);
  (await claimNames([there("p1")], ...one, machine)).close(false);
  assert.deepEqual(readdirSync(folder), []);
});

test("a start that fails leaves the claims as they were", async (t) => {
  const folder = claimsFolder(t);
  (await claimNames([bridge("p0")], ...one, on(folder))).close(true);
  const before = readdirSync(folder);
  (await claimNames([bridge("p0"), bridge("p1")], ...one, on(folder, "bridge p0"))).undo();
  assert.deepEqual(readdirSync(folder), before);
});

test("a folder within another daemon's, or around it, is refused; one beside it is not", async (t) => {
  const machine = on(claimsFolder(t));
  const first = await claimNames([home("/srv/one"), home("/run/one")], ...one, machine);
  const whose = "which is in use by another daemon (process 1 with --home-dir /one): give this one a --home-dir of its own";
  await assert.rejects(claimNames([home("/srv/one/two")], ...two, machine), {
    message: `the folder /srv/one/two lies in /srv/one, ${whose}`,
  });
  await assert.rejects(claimNames([home("/two"), home("/run")], ...two, machine), {
    message: `the folder /run has in it /run/one, ${whose}`,
  });
  await assert.rejects(claimNames([home("/")], ...two, machine), { message: /^the folder \/ has in it/ });
  // Its own may lie in each other.
  const second = await claimNames([home("/srv/one2"), home("/srv/one2/run")], ...two, machine);
  first.close(true);
  second.close(true);
  (await claimNames([home("/srv")], ...two, machine)).close(true);
  assert.deepEqual(readdirSync(machine.folder ?? ""), []);
});

test("what killed daemons left is swept, but not what is held or may be needed", async (t) => {
  const folder = claimsFolder(t);
  // What a kill leaves: the lock's file, and mostly a note.
  const left = (name: string, note?: string): void => {
    writeFileSync(join(folder, `${name}.lock`), "");
    if (note !== undefined) writeFileSync(join(folder, name), note);
  };
  left("empty");
  left("gone", "process 3 with --home-dir /three\nbridge p3\n");
  left("needed", "process 3 with --home-dir /three\nbridge p4\n");
  left("old", "process 3 with --home-dir /three\n");
  writeFileSync(join(folder, "starting.lock"), "");
  writeFileSync(join(folder, "strange.lock"), "no lock at all");
  const first = await claimNames([bridge("p0")], ...one, on(folder, "bridge p4"));
  const second = await claimNames([bridge("p1")], ...two, on(folder, "bridge p4"));
  await assert.rejects(claimNames([bridge("p0")], ...two, on(folder, "bridge p4")), /in use by another daemon/);
  first.close(false);
  second.close(false);
  assert.deepEqual(readdirSync(folder).toSorted(), ["needed", "needed.lock", "old", "old.lock", "strange.lock"]);
});

test("many that want one name at once: one has it at any time", async (t) => {
  const machine = on(claimsFolder(t));
  let holders = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, async (_, index) => {
      const claims = await claimNames([bridge("p0")], `/${index}`, `process ${index} with --home-dir /${index}`, machine);
      assert.equal(++holders, 1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      holders--;
      claims.close(false);
    }),
  );
  assert.ok(results.some(({ status }) => status === "fulfilled"));
  for (const result of results) if (result.status === "rejected") assert.match(String(result.reason), /in use by another daemon/);
});
