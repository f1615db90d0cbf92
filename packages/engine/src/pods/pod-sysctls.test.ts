import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkSysctls, writeSysctls } from "./pod-sysctls.ts";

const own = { network: "pod", ipc: "pod", pid: "container" } as const;

test("sysctls of the pod's own namespaces pass", () => {
  const names = ["net.ipv4.ip_forward", "net/ipv4/conf/eth0.1/forwarding", "kernel.shm_rmid_forced", "fs.mqueue.msg_max"];
  checkSysctls({ sysctls: Object.fromEntries(names.map((name) => [name, "1"])), namespaces: own });
});

test("sysctls that reach further, or are none, are refused", () => {
  const shared = { network: "node", ipc: "node", pid: "container" } as const;
  for (const [name, namespaces] of [
    ["kernel.panic", own],
    ["kernel.hostname", own],
    ["vm.overcommit_memory", own],
    ["net/../kernel/panic", own],
    ["net.//.kernel.panic", own],
    ["net", own],
    ["net.core/", own],
    ["net.", own],
    // Not tried in every way in which its dots may be read.
    [`net${".a".repeat(10_000)}!`, own],
    ["", own],
    ["net.core.somaxconn", shared],
    ["kernel.sem", shared],
  ] as const)
    assert.throws(
      () => checkSysctls({ sysctls: { [name]: "1" }, namespaces }),
      (error: unknown) => isKind(error, "invalidArgument"),
      name,
    );
  assert.throws(() => checkSysctls({ sysctls: { "net.core.somaxconn": "1\n2" }, namespaces: own }), /one line/);
});

test("a sysctl is written where its name leads, and one that is not there is the caller's mistake", (t) => {
  const root = mkdtempSync(join(tmpdir(), "pouch-sysctl-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "net/ipv4/conf/eth0.1"), { recursive: true });
  const files = ["net/ipv4/ip_forward", "net/ipv4/conf/eth0.1/forwarding"].map((file) => join(root, file));
  for (const file of files) writeFileSync(file, "0");
  writeSysctls({ "net.ipv4.ip_forward": "1", "net/ipv4/conf/eth0.1/forwarding": "2" }, root);
  assert.deepEqual(
    files.map((file) => readFileSync(file, "utf8")),
    ["1", "2"],
  );
  writeSysctls({ "net.ipv4.conf.eth0/1.forwarding": "3" }, root);
  assert.equal(readFileSync(files[1] ?? "", "utf8"), "3");
  assert.throws(
    () => writeSysctls({ "net.ipv4.nothing": "1" }, root),
    (error: unknown) => isKind(error, "invalidArgument"),
  );
});
