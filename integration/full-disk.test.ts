import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Daemon, eventually } from "./harness/daemon.ts";
import { sendSignal } from "./harness/send-signal.ts";
import { printed } from "./harness/printed.ts";

/** A file system of a few megabytes for the home of a daemon. */
class SmallDisk implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), "pouch-small-"));

  constructor(size: string) {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", this.home]);
  }

  /** To the last byte. */
  fill(): void {
    for (const blockSize of ["64k", "1"]) {
      const file = join(this.home, `filler-${blockSize}`);
      spawnSync("dd", ["if=/dev/zero", `of=${file}`, `bs=${blockSize}`, "oflag=append", "conv=notrunc"], { stdio: "ignore" });
    }
  }

  makeRoom(): void {
    for (const blockSize of ["64k", "1"]) rmSync(join(this.home, `filler-${blockSize}`), { force: true });
  }

  [Symbol.dispose](): void {
    execFileSync("umount", [this.home]);
    rmSync(this.home, { recursive: true });
  }
}

test("a full disk fails a create with a message, and leaves neither container nor snapshot", async () => {
  using disk = new SmallDisk("40m");
  await using daemon = await Daemon.start({ flags: ["--home-dir", disk.home] });
  const created = await daemon.docker("create", "--network", "none", "busybox");
  assert.equal(created.code, 0, created.stderr);
  disk.fill();
  const refused = await daemon.docker("create", "--name", "late", "--network", "none", "busybox");
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /no space left/i);
  disk.makeRoom();
  assert.equal((await daemon.docker("ps", "-aq")).stdout.trim().split("\n").length, 1);
  const again = await daemon.docker("create", "--name", "late", "--network", "none", "busybox");
  assert.equal(again.code, 0, again.stderr);
});

test("on a full disk containers end, are ended and removed as ever, and all of it is written when there is room", async () => {
  using disk = new SmallDisk("12m");
  await using daemon = await Daemon.start({ flags: ["--home-dir", disk.home] });
  using _room = { [Symbol.dispose]: () => disk.makeRoom() };
  const docker = (...args: string[]): Promise<string> => printed(daemon, "docker", ...args);
  const state = (name: string): Promise<string> => docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name);
  await docker("volume", "create", "data");
  await docker("network", "create", "front");
  for (const name of ["stopped", "killed", "ended", "removed"])
    await docker("run", "-d", "--name", name, "--network", name === "removed" ? "front" : "none", "busybox", "sleep", "600");
  await docker("create", "--name", "made", "--network", "none", "busybox");
  await docker(
    "run",
    "-d",
    "--name",
    "restarted",
    "--restart",
    "always",
    "--network",
    "none",
    "busybox",
    "sh",
    "-c",
    "usleep 300000; exit 1",
  );
  const restarts = async (): Promise<number> => Number(await docker("inspect", "-f", "{{.RestartCount}}", "restarted"));
  const pid = await docker("inspect", "-f", "{{.State.Pid}}", "ended");
  disk.fill();

  await docker("stop", "-t", "0", "stopped");
  await docker("kill", "killed");
  sendSignal(Number(pid), "SIGKILL");
  for (const name of ["stopped", "killed", "ended"])
    await eventually(`${name} has ended`, async () => (await state(name)) === "exited 137");
  disk.fill();
  await docker("rm", "-f", "removed");
  disk.fill();
  await docker("rm", "made");
  await docker("network", "rm", "front");
  await docker("volume", "rm", "data");
  disk.fill();
  await docker("rm", "-f", "stopped");
  const there = async (): Promise<string[]> => (await docker("ps", "-a", "--format", "{{.Names}}")).split("\n").toSorted();
  assert.deepEqual(await there(), ["ended", "killed", "restarted"]);
  const refused = await daemon.docker("create", "--network", "none", "busybox");
  assert.match(refused.stderr, /no space left/i);

  disk.makeRoom();
  await eventually("there is room for more", async () => (await daemon.docker("volume", "create", "more")).code === 0);
  const before = await restarts();
  // The delay of a policy that has failed often is up to a minute.
  await eventually("its policy was not given up", async () => (await restarts()) > before, 90);
  await daemon.kill9();
  await daemon.launch();
  assert.deepEqual(await there(), ["ended", "killed", "restarted"]);
  for (const name of ["killed", "ended"]) assert.equal(await state(name), "exited 137");
  assert.equal(await docker("volume", "ls", "-q"), "more");
  assert.doesNotMatch(await docker("network", "ls", "--format", "{{.Name}}"), /front/);
});

test("a restart on a full disk is refused before anything is stopped", async () => {
  using disk = new SmallDisk("12m");
  await using daemon = await Daemon.start({ flags: ["--home-dir", disk.home] });
  using _room = { [Symbol.dispose]: () => disk.makeRoom() };
  for (const name of ["web", "other"]) {
    const { code, stderr } = await daemon.docker("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "600");
    assert.equal(code, 0, stderr);
  }
  const pid = async (): Promise<string> => (await daemon.docker("inspect", "-f", "{{.State.Pid}}", "web")).stdout.trim();
  const before = await pid();
  const refused = async (): Promise<void> => {
    const { status, text } = await daemon.api("POST", "/containers/web/restart?t=0");
    assert.equal(status, 500, text);
    assert.match(text, /no space left on the device of /);
    assert.equal(await pid(), before);
  };
  disk.fill();
  await refused();
  // What ends now uses up some of what the store keeps for it.
  assert.equal((await daemon.docker("kill", "other")).code, 0);
  disk.fill();
  await refused();
  disk.makeRoom();
  await eventually("there is room to restart it", async () => (await daemon.docker("restart", "-t", "0", "web")).code === 0);
  assert.notEqual(await pid(), before);
});
