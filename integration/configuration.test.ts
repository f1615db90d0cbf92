/** What the daemon is told that it cannot do, on this machine, with these programs: refused at the start, with nothing left of it. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Daemon, projectRoot } from "./harness/daemon.ts";
import { hostLinks } from "./harness/host-links.ts";

const directory = mkdtempSync(join(tmpdir(), "pouch-configuration-"));
test.after(() => rmSync(directory, { recursive: true, force: true }));
const folder = join(directory, "folder");
mkdirSync(folder);
/** Names of this run alone, as the same test may run beside it. */
const [veth, peer, bridge, table] = ["pna", "pnb", "pnc", "pnd"].map((name) => `${name}${process.pid}`) as [
  string,
  string,
  string,
  string,
];
execFileSync("ip", ["link", "add", veth, "type", "veth", "peer", "name", peer]);
test.after(() => execFileSync("ip", ["link", "delete", veth]));

const wordsOf = (flags: Record<string, string>): string[] => Object.entries(flags).map(([name, value]) => `--${name}=${value}`);

function refusal(flags: Record<string, string>): string {
  const all = {
    "home-dir": join(directory, "home"),
    "exec-root-dir": join(directory, "run"),
    pidfile: join(directory, "pid"),
    listen: `unix://${join(directory, "p.sock")}`,
    "bridge-name": bridge,
    "nft-table": table,
    ...flags,
  };
  const { status, stderr } = spawnSync(join(projectRoot, "bin/pouchd"), wordsOf(all), { encoding: "utf8", timeout: 30_000 });
  assert.ok(status === 1 || status === 2, `it was not refused: ${status} ${stderr}`);
  return stderr;
}

const refused: [flags: Record<string, string>, message: RegExp][] = [
  [{ "bridge-name": "lo" }, /--bridge-name takes the name of a device/],
  [{ "bridge-name": veth }, /--bridge-name: this host has an interface .* that is no bridge/],
  [{ "nft-table": "a b;c" }, /--nft-table takes a name/],
  [{ "nft-table": "inet" }, /--nft-table: nft does not take "inet" for a table's name/],
  [{ snapshotter: "nosuch" }, /--snapshotter: this containerd has no snapshotter nosuch/],
  [{ "runtime-path": folder }, /--runtime-path: .*folder is no program on this machine/],
  [{ "add-runtime": "runc=/bin/true" }, /--add-runtime takes NAME=PATH with a name of .* that is not runc/],
  [{ "add-runtime": "other=/nope/crun" }, /--add-runtime: \/nope\/crun, for other, is no program on this machine/],
  [{ "default-runtime": "other" }, /--default-runtime takes the name of a runtime, one of runc, got "other"/],
  [{ "containerd-path": folder }, /folder cannot be run as a program/],
  [{ "init-path": "/nope/tini" }, /--init-path: \/nope\/tini is no program on this machine/],
  [{ "log-opt": "nosuch=1" }, /--log-driver json-file with its --log-opt cannot be: unknown log opt 'nosuch'/],
  [{ "log-opt": "max-size=big" }, /--log-opt cannot be: invalid size: 'big'/],
  [{ "default-registry": "http://x" }, /invalid default registry "http:\/\/x"/],
  [
    { bip: "192.0.2.1/24", "default-gateway": "198.51.100.1" },
    /\(--bip 192.0.2.1\/24, --default-gateway 198.51.100.1\): no matching subnet for gateway 198.51.100.1/,
  ],
  [{ bip: "192.0.2.1/24", "fixed-cidr": "192.0.0.0/16" }, /--fixed-cidr 192.0.0.0\/16\): invalid ip-range/],
  [{ pidfile: folder }, /--pidfile: .*folder is a folder, it has to be a file/],
  [{ "config-file": folder }, /cannot read the configuration file .*folder \(--config-file\): EISDIR/],
];

for (const [flags, message] of refused)
  test(`${wordsOf(flags).join(" ").replaceAll(directory, "")} is refused at the start`, () => {
    assert.match(refusal(flags), message);
    assert.ok(!hostLinks().includes(bridge));
    assert.ok(!readdirSync(directory).includes("pid"));
  });

test("what the configuration file says is refused by the file's name and the key", () => {
  const file = join(directory, "config.json");
  writeFileSync(file, JSON.stringify({ dns: ["nowhere"] }));
  assert.ok(refusal({ "config-file": file }).includes(`${file}: "dns" takes an IP address, got "nowhere"`));
});

test("a runtime of the operator's runs containers, and what it ran goes also when it is configured no more", async () => {
  const calls = join(directory, "calls");
  const other = join(directory, "other-runtime");
  writeFileSync(other, `#!/bin/sh\necho "$*" >>${calls}\nexec runc "$@"\n`, { mode: 0o755 });
  const options = { flags: ["--add-runtime", `other=${other}`, "--default-runtime", "other"] };
  await using daemon = await Daemon.start(options);
  const info = (await daemon.api("GET", "/info")).json<{ Runtimes: Record<string, { path: string }>; DefaultRuntime: string }>();
  assert.deepEqual([Object.keys(info.Runtimes).toSorted(), info.DefaultRuntime], [["other", "runc"], "other"]);
  assert.equal((await daemon.docker("run", "--rm", "--runtime", "runc", "busybox", "echo", "a")).stdout, "a\n");
  // It was asked for its version.
  assert.doesNotMatch(readFileSync(calls, "utf8"), /create --bundle/);
  assert.equal((await daemon.docker("run", "--rm", "busybox", "echo", "b")).stdout, "b\n");
  assert.match(readFileSync(calls, "utf8"), /create --bundle/);
  assert.match((await daemon.docker("run", "--runtime", "nosuch", "busybox")).stderr, /Unknown runtime specified nosuch/);

  const id = (await daemon.docker("run", "-d", "busybox", "sleep", "300")).stdout.trim();
  options.flags = [];
  assert.equal(await daemon.stop(), 0);
  await daemon.launch();
  assert.equal((await daemon.docker("exec", id, "echo", "still here")).stdout, "still here\n");
  assert.equal((await daemon.docker("rm", "-f", id)).code, 0);
});
