import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Daemon, projectRoot } from "./harness/daemon.ts";
import { printed } from "./harness/printed.ts";

/** What the daemon keeps is closed to the other users of the host; what a container's users need is open to them. */

let daemon: Daemon;
const canary = "canary-e3b0c44298fc";

before(async () => {
  daemon = await Daemon.start();
  // The way to its folders is open, as to /var/lib; only they themselves are to be closed.
  chmodSync(daemon.directory, 0o755);
});

after(() => daemon[Symbol.asyncDispose]());

const docker = (...args: string[]): Promise<string> => printed(daemon, "docker", ...args);

const somebody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];

/** Which of these paths another user can look into, read, write or run. */
function reachable(paths: string[]): string[] {
  const script = 'while IFS= read -r p; do if [ -r "$p" ] || [ -w "$p" ] || [ -x "$p" ]; then printf "%s\\n" "$p"; fi; done';
  const { stdout, status, stderr } = spawnSync("setpriv", [...somebody, "sh", "-c", script], {
    input: paths.join("\n"),
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout.split("\n").filter(Boolean);
}

/** Everything below the state roots, images' files left out: there are many, all in one folder. */
function everyPath(): string[] {
  const found = execFileSync(
    "find",
    [
      daemon.homeDirectory,
      daemon.execRoot,
      "-path",
      "*/snapshots/*/fs/*",
      "-prune",
      "-o",
      "-path",
      "*/rootfs/*",
      "-prune",
      "-o",
      "-print",
    ],
    { encoding: "utf8", maxBuffer: 1 << 26 },
  );
  return found.split("\n").filter(Boolean);
}

test("another user of the host reaches nothing of the daemon's: no record, log, volume, socket, plugin; nor a setuid file in a volume", async () => {
  const source = join(projectRoot, "hookplugins", "net-qos");
  const installed = await daemon.api("POST", "/plugins/install", { source, privileges: "all" });
  assert.equal(installed.status, 200, installed.text);
  await docker(
    ..."run -d --name web -v data:/data --ipc shareable -e".split(" "),
    `SECRET=${canary}`,
    "busybox",
    "sh",
    "-c",
    "cp /bin/busybox /data/su; chmod 4755 /data/su; echo said; sleep 1000",
  );
  await docker("exec", "web", "true");
  await docker("exec", "-d", "web", "sleep", "1000");
  const paths = everyPath();
  assert.ok(
    paths.length > 50 &&
      paths.some((path) => path.endsWith("container.json")) &&
      paths.includes(join(daemon.homeDirectory, "pouch.db")),
  );
  assert.deepEqual(reachable(paths), []);

  const setuid = join(daemon.homeDirectory, "volumes/data/_data/su");
  assert.equal(statSync(setuid).mode & 0o7777, 0o4755);
  assert.notEqual(spawnSync("setpriv", [...somebody, setuid, "id"]).status, 0);
  for (const secret of ["pouch.db", "pouch.db-wal", "store.json", "containerd.log"])
    assert.equal(statSync(join(daemon.homeDirectory, secret)).mode & 0o177, 0, secret);
  assert.match(readFileSync(`/proc/${daemon.pid}/status`, "utf8"), /^Umask:\t0077$/m);
  assert.equal(statSync(daemon.socket).mode & 0o777, 0o660);
});

test("the users of a container read and enter what is made for them", async () => {
  const asUser = (...command: string[]): Promise<string> => docker("exec", "-u", "1000", "web", ...command);
  for (const file of ["/etc/hosts", "/etc/resolv.conf", "/etc/hostname"]) await asUser("cat", file);
  assert.match(await asUser("ls", "/data"), /su/);
  assert.equal(await asUser("stat", "-c", "%a", "/"), "755");
  await docker("run", "--rm", "-u", "1000", "-v", "fresh:/fresh", "busybox", "ls", "/fresh");
  const source = join(daemon.directory, "made/for/it");
  await docker("run", "--rm", "-v", `${source}:/bound`, "busybox", "true");
  assert.deepEqual(
    [source, join(source, "..")].map((path) => statSync(path).mode & 0o777),
    [0o755, 0o755],
  );

  // A folder that no entry of the archive speaks of.
  const files = join(daemon.directory, "files");
  mkdirSync(join(files, "deep"), { recursive: true });
  writeFileSync(join(files, "deep/file"), "x");
  const tar = execFileSync("tar", ["-C", files, "-c", "deep/file"]);
  const put = await daemon.api("PUT", "/containers/web/archive?path=/tmp", tar, { "Content-Type": "application/x-tar" });
  assert.equal(put.status, 200, put.text);
  assert.equal(await asUser("stat", "-c", "%a", "/tmp/deep"), "755");
  // The umask of a container's processes is the ordinary one.
  assert.equal(await docker("run", "--rm", "busybox", "sh", "-c", "umask; touch /tmp/f; stat -c %a /tmp/f"), "0022\n644");
});

test("a home that was left open is closed at the next start, and that is said once", async () => {
  await daemon.stop();
  chmodSync(daemon.homeDirectory, 0o755);
  chmodSync(daemon.execRoot, 0o711);
  for (const name of ["pouch.db", "store.json"]) chmodSync(join(daemon.homeDirectory, name), 0o644);
  for (const name of ["volumes", "containers", "containerd"]) chmodSync(join(daemon.homeDirectory, name), 0o701);
  await daemon.launch();
  const said = (): number => daemon.log.split("was open to other users").length - 1;
  // With the log of the database, which has the database's mode.
  assert.equal(said(), 8);
  assert.deepEqual(reachable(everyPath()), []);
  assert.equal(statSync(daemon.homeDirectory).mode & 0o777, 0o710);
  await daemon.stop();
  await daemon.launch();
  assert.equal(said(), 8, "nothing of the daemon's own is open after a start");
});

test("a folder that everybody's programs need is not taken for the daemon's", async () => {
  const { code, stderr } = spawnResult(["--home-dir", "/tmp", "--exec-root-dir", daemon.execRoot]);
  assert.equal(code, 1);
  assert.match(stderr, /\/tmp is no folder of the daemon's own/);
  assert.equal(statSync("/tmp").mode & 0o7777, 0o1777);
});

function spawnResult(flags: string[]): { code: number | null; stderr: string } {
  const config = ["--config-file", join(daemon.directory, "config.json"), "--pidfile", join(daemon.directory, "other-pid")];
  const { status, stderr } = spawnSync(
    join(projectRoot, "bin/pouchd"),
    [...flags, ...config, "--listen", `unix://${daemon.directory}/x.sock`],
    {
      encoding: "utf8",
      timeout: 20_000,
    },
  );
  return { code: status, stderr };
}
