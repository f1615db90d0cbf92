import assert from "node:assert/strict";
import { startProgram } from "@pouchcontainer/owners";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { IpShell } from "./ip-shell.ts";
import { NftShell } from "./nft-shell.ts";

/** A stand-in for `ip -force -batch -` that fails every line with `bad` in it and dies at `die`. */
const fakeIp = `n=0; while read -r line; do n=$((n+1)); case "$line" in die) exit 3;; *bad*|end-of-batch) echo "RTNETLINK answers: $line" >&2; echo "Command failed -:$n" >&2;; esac; done`;
const shell = () => new IpShell(() => startProgram("sh", ["-c", fakeIp]));

test("a batch succeeds when ip complains about none of its lines, and names the first that fails", async (t) => {
  const ip = shell();
  t.after(() => ip.close());
  const [good, mixed, last] = await Promise.allSettled([
    ip.run(["one", "two"]),
    ip.run(["fine", "bad link", "bad again"]),
    ip.run(["three"]),
  ]);
  assert.equal(good.status, "fulfilled");
  assert.equal(last.status, "fulfilled");
  assert.equal(mixed.status === "rejected" ? mixed.reason.message : "", "ip bad link: RTNETLINK answers: bad link");
  await ip.run(["bad but expected"], { tolerate: /expected/ });
});

test("the batch fails that ip dies of; those after it have a new process", async (t) => {
  const ip = shell();
  t.after(() => ip.close());
  const [before, deadly, after, bad] = await Promise.allSettled([
    ip.run(["one"]),
    ip.run(["two", "die"]),
    ip.run(["three", "four"]),
    ip.run(["fine", "bad link"]),
  ]);
  assert.deepEqual([before.status, deadly.status, after.status], ["fulfilled", "rejected", "fulfilled"]);
  assert.match(String(deadly.status === "rejected" && deadly.reason), /ip ended unexpectedly \(status 3\)/);
  assert.equal(bad.status === "rejected" ? bad.reason.message : "", "ip bad link: RTNETLINK answers: bad link");
  await assert.rejects(ip.run(["die"]), /ip ended unexpectedly \(status 3\)/);
  await ip.run(["again"]);
  await assert.rejects(ip.run(["bad"]), /ip bad/, "line numbers start again with the process");
});

test("a program that does not answer is killed, what waits for it fails, and the next has a new process", async (t) => {
  let silent = true;
  const ip = new IpShell(() => startProgram("sh", ["-c", silent ? "exec sleep 60" : fakeIp]), { answerMs: 50 });
  t.after(() => ip.close());
  const waiting = [ip.run(["one"]), ip.run(["two"])];
  for (const each of waiting)
    await assert.rejects(each, { kind: "deadlineExceeded", message: /ip did not answer within 0.05 s/ });
  silent = false;
  await ip.run(["three"]);
  const folder = mkdtempSync(join(tmpdir(), "pouch-shells-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, "nft");
  writeFileSync(program, "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
  const nft = new NftShell({ program, env: {}, answerMs: 50 });
  t.after(() => nft.close());
  await assert.rejects(nft.run("add"), { kind: "deadlineExceeded", message: /nft did not answer/ });
});

test("no process keeps for long what it remembers: it is replaced when that is much, after a failure, and let go when it rests", async (t) => {
  const pids: string[] = [];
  const telling = () => {
    const child = startProgram("sh", ["-c", `echo $$; ${fakeIp}`]);
    child.stdout.setEncoding("utf8").once("data", (text: string) => pids.push(text.trim()));
    return child;
  };
  const gone = async (): Promise<boolean> => {
    const alive = () => pids.some((pid) => existsSync(`/proc/${pid}`));
    for (const deadline = Date.now() + 5000; alive() && Date.now() < deadline;) await sleep(10);
    return !alive();
  };
  const ip = new IpShell(telling, { idleMs: 50 });
  t.after(() => ip.close());
  const batches = Array.from({ length: 100 }, (_, index) =>
    ip.run([`link add v${index} netns "/n/${index}"`, "bad"], { tolerate: /bad/ }),
  );
  await Promise.all(batches);
  assert.equal(pids.length, 4);
  assert.ok(await gone());
  await assert.rejects(ip.run(["bad"]));
  await ip.run(["good"]);
  assert.equal(pids.length, 6);
  assert.ok(await gone());
});

test("a missing program is named with its package", async () => {
  const ip = new IpShell(() => startProgram("/nonexistent/ip", [], { packageName: "iproute2" }));
  await assert.rejects(ip.run(["x"]), { kind: "unavailable", message: /\/nonexistent\/ip is not there \(package iproute2\)/ });
  const nft = new NftShell({ program: "/nonexistent/nft", env: {} });
  await assert.rejects(nft.run("x"), { kind: "unavailable", message: /\/nonexistent\/nft is not there \(package nftables\)/ });
  await assert.rejects(nft.load("x"), { kind: "unavailable" });
});
