/** What whoever started the daemon left open stays the daemon's: no process that it starts gets it. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Daemon, projectRoot } from "./harness/daemon.ts";
import { writePlugin } from "./harness/write-plugin.ts";
import { processes } from "./soak/machine-state.ts";

/** Whether a process has that file open. */
function hasOpen(pid: number, file: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => readlinkSync(join(folder, fd)) === file);
  } catch {
    // It has gone, or has closed what was listed.
    return false;
  }
}

test("a file that the daemon inherited is open in no process that it starts", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-inherited-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const secret = join(folder, "secret");
  writeFileSync(secret, "of whoever started it", { mode: 0o600 });
  const executable = join(folder, "pouchd");
  const pouchd = process.env["POUCH_TEST_POUCHD"] ?? join(projectRoot, "bin/pouchd");
  writeFileSync(executable, `#!/bin/bash\nexec 200<${secret}\nexec ${pouchd} "$@"\n`, { mode: 0o755 });
  await using daemon = await Daemon.start({ executable });
  const source = writePlugin(join(folder, "plugin"), {
    name: "looker",
    pouch: { api: "1", points: ["container.preCreate"], permissions: {} },
    code: `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";\nregisterContainerPlugin({ preCreate() {} });\n`,
  });
  const installed = await daemon.api("POST", "/plugins/install", { source, privileges: "all" });
  assert.ok(installed.status < 300, installed.text);
  const run = await daemon.docker("run", "-d", "--network", "none", "busybox", "sleep", "300");
  assert.equal(run.code, 0, run.stderr);

  assert.ok(hasOpen(daemon.pid, secret));
  const others = processes().filter(({ pid, command }) => command.includes(daemon.directory) && pid !== daemon.pid);
  for (const part of ["containerd ", "containerd-shim", "plugin"])
    assert.ok(
      others.some(({ command }) => command.includes(part)),
      part,
    );
  assert.deepEqual(
    processes().filter(({ pid }) => pid !== daemon.pid && hasOpen(pid, secret)),
    [],
  );
});
