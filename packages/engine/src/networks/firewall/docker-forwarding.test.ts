import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { DockerForwarding } from "./docker-forwarding.ts";

/** A stand-in for iptables that keeps its rules in a file; without the file it has no DOCKER-USER. */
function fakeIptables(t: TestContext): { program: string; rules: string; asked: () => number } {
  const directory = mkdtempSync(join(tmpdir(), "iptables-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const [program, rules, asked] = [join(directory, "iptables"), join(directory, "rules"), join(directory, "asked")];
  writeFileSync(
    program,
    `#!/bin/sh
shift 2; command=$1; shift 2
[ $command = -S ] && echo >>${asked}
[ -f ${rules} ] || exit 1
case $command in
  -S) ;;
  -C) grep -qxF -e "$*" ${rules};;
  -I) echo "$*" >>${rules};;
  -D) grep -vxF -e "$*" ${rules} >${rules}.new; mv ${rules}.new ${rules};;
esac
`,
  );
  chmodSync(program, 0o755);
  return { program, rules, asked: () => readFileSync(asked).length };
}

test("where Docker's chain is, a bridge is let through once, and taken out again", async (t) => {
  const { program, rules } = fakeIptables(t);
  writeFileSync(rules, "-j RETURN\n");
  const forwarding = new DockerForwarding({ env: process.env, programs: [program] });
  const ours = ["-i", "-o"].map((way) => `${way} br-front -m comment --comment pouch -j ACCEPT\n`).join("");
  await forwarding.allow("br-front");
  const undo = await forwarding.allow("br-front");
  assert.equal(readFileSync(rules, "utf8"), `-j RETURN\n${ours}`);
  await undo();
  assert.equal(readFileSync(rules, "utf8"), `-j RETURN\n${ours}`, "the second call made nothing");
  await forwarding.withdraw("br-front");
  assert.equal(readFileSync(rules, "utf8"), "-j RETURN\n");
  await (
    await forwarding.allow("br-front")
  )();
  assert.equal(readFileSync(rules, "utf8"), "-j RETURN\n");
});

test("for all bridges of a start the chain is looked for once, and for a later one anew", async (t) => {
  const { program, rules, asked } = fakeIptables(t);
  const forwarding = new DockerForwarding({ env: process.env, programs: [program] });
  await forwarding.askingOnce(async () => {
    for (const bridge of ["br-one", "br-two", "br-three"]) await forwarding.allow(bridge);
  });
  assert.equal(asked(), 1);
  writeFileSync(rules, "");
  await forwarding.allow("br-four");
  assert.match(readFileSync(rules, "utf8"), /br-four/);
});

test("a rule the operator wrote for the bridge stays", async (t) => {
  const { program, rules } = fakeIptables(t);
  const theirs = "-i br-front -j ACCEPT\n";
  writeFileSync(rules, theirs);
  const forwarding = new DockerForwarding({ env: process.env, programs: [program] });
  await forwarding.allow("br-front");
  await forwarding.withdraw("br-front");
  assert.equal(readFileSync(rules, "utf8"), theirs);
});

test("without that chain, and without iptables, nothing happens", async (t) => {
  const { program, rules } = fakeIptables(t);
  await new DockerForwarding({ env: process.env, programs: [program, "/nonexistent/iptables"] }).allow("br-front");
  assert.equal(existsSync(rules), false);
});
