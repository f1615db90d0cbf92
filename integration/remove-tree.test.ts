import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { takeDownFolder } from "../packages/engine/src/containers/take-down-folder.ts";
import { Daemon } from "./harness/daemon.ts";

/** A folder of somebody else's, seen through a mount; of the same file system, where device numbers tell nothing. */
function mounted(place: string): { file: string; [Symbol.dispose]: () => void } {
  const elsewhere = mkdtempSync(join(tmpdir(), "pouch-it-elsewhere-"));
  const file = join(elsewhere, "precious");
  writeFileSync(file, "of somebody else");
  mkdirSync(place, { recursive: true });
  execFileSync("mount", ["--bind", elsewhere, place]);
  return {
    file,
    [Symbol.dispose]: () => {
      execFileSync("umount", [place]);
      rmSync(elsewhere, { recursive: true });
    },
  };
}

test("a folder that is reached through a link is taken down with what is mounted in it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-it-linked-"));
  try {
    mkdirSync(join(folder, "run/container/shm"), { recursive: true });
    symlinkSync("run", join(folder, "var-run"));
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(folder, "run/container/shm")]);
    await takeDownFolder(join(folder, "var-run/container"));
    assert.equal(existsSync(join(folder, "run/container")), false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("no removal reaches into what is mounted: of a volume, of a container, of the runtime's folder", async () => {
  await using daemon = await Daemon.start();
  await daemon.api("POST", "/volumes/create", { Name: "mine" });
  const { stdout } = await daemon.docker("create", "--network", "none", "busybox", "true");
  const id = stdout.trim();
  for (const [place, path] of [
    [join(daemon.homeDirectory, "volumes/mine/_data/deep/er"), "/volumes/mine"],
    [join(daemon.homeDirectory, "containers", id, "strange"), `/containers/${id}?force=1`],
  ] as const) {
    {
      using mount = mounted(place);
      const refused = await daemon.api("DELETE", path);
      assert.ok(refused.status >= 400, `${path}: ${refused.status}`);
      assert.match(refused.text, /is mounted/);
      assert.equal(readFileSync(mount.file, "utf8"), "of somebody else");
    }
    assert.equal((await daemon.api("DELETE", path)).status, 204);
  }
});

test("a home reached through a link is no way around the look", async () => {
  const real = mkdtempSync(join(tmpdir(), "pouch-it-real-"));
  const link = `${real}-link`;
  symlinkSync(real, link);
  await using daemon = await Daemon.start({ flags: ["--home-dir", join(link, "home")], image: false });
  await daemon.api("POST", "/volumes/create", { Name: "mine" });
  {
    using mount = mounted(join(real, "home/volumes/mine/_data/sub"));
    assert.ok((await daemon.api("DELETE", "/volumes/mine")).status >= 400);
    assert.ok(existsSync(mount.file));
  }
  assert.equal((await daemon.api("DELETE", "/volumes/mine")).status, 204);
  await daemon.stop();
  rmSync(link);
  rmSync(real, { recursive: true });
});
