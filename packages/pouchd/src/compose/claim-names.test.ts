import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { claimNames, type NamedThing } from "./claim-names.ts";

function claimsFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "pouch-claims-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const bridge = (name: string, exists = true): NamedThing => ({
  what: `the bridge ${name}`,
  place: `bridge ${name}`,
  option: "a --bridge-name",
  exists: () => Promise.resolve(exists),
});
const one = ["/one", "process 1 with --home-dir /one"] as const;
const two = ["/two", "process 2 with --home-dir /two"] as const;

test("a name is one daemon's: a second one is told which and whose, and has claimed nothing", async (t) => {
  const folder = claimsFolder(t);
  const first = await claimNames([bridge("p0")], ...one, folder);
  await assert.rejects(claimNames([bridge("free"), bridge("p0")], ...two, folder), {
    kind: "unavailable",
    message:
      "the bridge p0 is in use by another daemon (process 1 with --home-dir /one): stop it, or give this one a --bridge-name of its own",
  });
  (await claimNames([bridge("free")], ...two, folder)).close(false);
  first.close(false);
  (await claimNames([bridge("p0")], ...two, folder)).close(false);
  assert.deepEqual(readdirSync(folder), [], "nothing is left of claims that were given up");
});

test("what containers of a daemon that ended go on with is kept for it, as long as it is there", async (t) => {
  const folder = claimsFolder(t);
  (await claimNames([bridge("p0")], ...one, folder)).close(true);
  const note = join(folder, readdirSync(folder).find((name) => !name.endsWith(".lock")) ?? "");
  await assert.rejects(claimNames([bridge("p0")], ...two, folder), {
    message: `the bridge p0 belongs to a daemon that does not run (process 1 with --home-dir /one) but may have containers: remove ${note} if that one will not come back, or give this one a --bridge-name of its own`,
  });
  (await claimNames([bridge("p0")], ...one, folder)).close(true);
  (await claimNames([bridge("p0", false)], ...two, folder)).close(false);
});

test("many that want one name at once: one has it at any time", async (t) => {
  const folder = claimsFolder(t);
  let holders = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, async (_, index) => {
      const claims = await claimNames([bridge("p0")], `/${index}`, `process ${index} with --home-dir /${index}`, folder);
      assert.equal(++holders, 1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      holders--;
      claims.close(false);
    }),
  );
  assert.ok(results.some(({ status }) => status === "fulfilled"));
  for (const result of results) if (result.status === "rejected") assert.match(String(result.reason), /in use by another daemon/);
});
