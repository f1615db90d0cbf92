import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { writePodFiles } from "./pod-files.ts";
import { podPaths } from "./pod-paths.ts";
import { samplePodConfig } from "./sample-config.ts";

/** A host with these files below /etc, and what a pod without a kubelet sees of it. */
function onHost(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "pod-files-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "etc"));
  const paths = podPaths({ home: join(root, "home"), exec: join(root, "exec") }, "p1");
  const warnings: string[] = [];
  const written = async (): Promise<string> => {
    await writePodFiles(samplePodConfig(), paths, { root, warn: (message) => void warnings.push(message) });
    return readFileSync(paths.hosts, "utf8");
  };
  return { hosts: join(root, "etc/hosts"), paths, warnings, written };
}

test("a pod sees the host's hosts file, which all may read", async (t) => {
  const { hosts, paths, written } = onHost(t);
  writeFileSync(hosts, "# ours\n127.0.0.1 localhost\n192.0.2.9 registry\n");
  assert.equal(await written(), "# ours\n127.0.0.1 localhost\n192.0.2.9 registry\n");
  assert.equal(statSync(paths.hosts).mode & 0o777, 0o644);
});

test("where the host has none, or one of no sensible size, the loopback has its names", async (t) => {
  const { hosts, warnings, written } = onHost(t);
  assert.match(await written(), /^127\.0\.0\.1\tlocalhost$/m);
  writeFileSync(hosts, "");
  truncateSync(hosts, 64 << 20);
  assert.deepEqual(warnings, []);
  assert.match(await written(), /^::1\tlocalhost/m);
  assert.match(warnings.join(), /^pods do without the host's \/etc\/hosts: .* is larger than 8388608 bytes$/);
});
