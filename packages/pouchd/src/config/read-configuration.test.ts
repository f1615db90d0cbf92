import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { helpText } from "./help.ts";
import { optionSpecs, rangeText, type Configuration } from "./options.ts";
import { readConfiguration } from "./read-configuration.ts";

const noFile = (): string => {
  throw Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT" });
};

function configurationOf(args: string[], file?: object): Configuration {
  const invocation = readConfiguration(args, file ? () => JSON.stringify(file) : noFile);
  assert.equal(invocation.action, "run");
  return (invocation as { configuration: Configuration }).configuration;
}

test("without flags and file the defaults hold", () => {
  const configuration = configurationOf([]);
  assert.equal(configuration["home-dir"], "/var/lib/pouch");
  assert.deepEqual(configuration.listen, ["unix:///var/run/pouchd.sock"]);
  assert.equal(configuration.containerd, undefined);
});

test("flags of every type are read, short ones too", () => {
  const configuration = configurationOf([
    "-l",
    "unix:///a",
    "--listen=tcp://127.0.0.1:1",
    "-D",
    "--mtu",
    "1400",
    "--log-opt",
    "max-size=1m",
    "--icc=false",
  ]);
  assert.deepEqual(configuration.listen, ["unix:///a", "tcp://127.0.0.1:1"]);
  assert.equal(configuration.debug, true);
  assert.equal(configuration.mtu, 1400);
  assert.deepEqual(configuration["log-opt"], { "max-size": "1m" });
  assert.equal(configuration.icc, false);
});

test("the file takes the same keys, and one option in both places is an error", () => {
  assert.equal(configurationOf([], { snapshotter: "native" }).snapshotter, "native");
  assert.throws(
    () => configurationOf(["--snapshotter", "native"], { snapshotter: "overlayfs" }),
    /both as a flag and in the configuration file: snapshotter/,
  );
});

const mistakes: [string, string[], object | undefined, RegExp][] = [
  ["an unknown flag", ["--home-dirr", "/x"], undefined, /unknown flag --home-dirr, did you mean --home-dir\?/],
  ["a missing value", ["--home-dir"], undefined, /--home-dir needs a value: --home-dir DIR/],
  ["a word where a number belongs", ["--mtu", "big"], undefined, /--mtu is a whole number, got "big"/],
  ["an argument", ["start"], undefined, /takes no arguments, got "start"/],
  ["no such plugin command", ["plugin", "rm", "x"], undefined, /pouchd plugin takes ls, disable NAME or enable NAME, got "rm x"/],
  ["a plugin command without its name", ["plugin", "disable"], undefined, /takes ls, disable NAME or enable NAME, got "disable"/],
  ["two commands", ["plugin", "ls", "--rebuild-store"], undefined, /--rebuild-store is no option of pouchd plugin/],
  [
    "an address without a scheme",
    ["-l", "/tmp/x.sock"],
    undefined,
    /unix:\/\/\/path .* or tcp:\/\/host:port, got "\/tmp\/x.sock"/,
  ],
  ["an unknown key", [], { snapshoter: "x" }, /unknown key "snapshoter", did you mean snapshotter\?/],
  ["a wrong type in the file", [], { mtu: "1500" }, /"mtu" must be a whole number, got "1500"/],
  [
    "signatures that are compulsory without a key",
    ["--require-plugin-signatures"],
    undefined,
    /--require-plugin-signatures needs --plugin-signature-keys: without a key no signature counts/,
  ],
  ["TLS without its files", ["--tlsverify"], undefined, /--tlsverify needs --tlscacert/],
];
/** Values that only a later step, or the first container, would fail by. */
const impossible: Record<string, string[]> = {
  "home-dir": ["/a:b", "/a,b", "/a\\b", "/a\nb"],
  "exec-root-dir": ["/a,b", "/a%b", "/a?b", "/a#b", `/${"x".repeat(82)}`],
  "listen-cri": ["tcp://127.0.0.1:1", "/run/cri.sock", "unix://cri.sock", `unix:///${"x".repeat(107)}`],
  listen: ["tcp://127.0.0.1:65536", "tcp://[x]:1", "udp://a:1", `unix:///${"x".repeat(107)}`],
  containerd: ["run/containerd.sock", "tcp://a:1", `/${"x".repeat(107)}`],
  "default-namespace": ["a/b", "-a", "a..b", "x".repeat(77)],
  "cgroup-parent": ["/", "../a", "a/./b"],
  "cgroup-driver": ["cgroup"],
  "insecure-registries": ["http://a", "a/b", "a b", "10.0.0.0/33"],
  "max-concurrent-downloads": ["0"],
  "max-concurrent-uploads": ["0"],
  "mandatory-plugin": ["Guard", "a/b", "-a"],
  validator: ["no-bind", "no-bind=etc", "privileged"],
  "plugin-answer-bytes": ["0", "65535", "67108865"],
  "plugin-answer-values": ["0", "999", "1000001"],
  "plugin-answer-depth": ["0", "19", "901"],
  "bridge-name": ["lo", "all", "default", "..", "a/b", "a b", "-a", "sixteen-letters-", "ä"],
  bip: ["10.1.2.3", "fd00::1/64", "10.1.2.3/33"],
  "fixed-cidr": ["10.1.0.0/x", "fd00::/64"],
  "fixed-cidr-v6": ["10.1.0.0/24", "fd00::/129"],
  "default-gateway": ["10.1.0", "fd00::1"],
  "default-gateway-v6": ["10.1.0.1"],
  mtu: ["67", "65536"],
  "nft-table": ["a b;c", "1a", "-a", "a\\b", "x".repeat(256)],
  dns: ["localhost", "fe80::1%eth0"],
  "dns-search": ["a b", "a..b", "a\nnameserver 1.1.1.1"],
  "dns-opt": ["ndots:1 rotate"],
  "plugin-conflicts": ["warn"],
  "log-level": ["loud"],
  label: ["a", "=a"],
};

for (const [name, values] of Object.entries(impossible))
  test(`${name} is refused at the start for what it cannot be, wherever it was said`, () => {
    const spec = optionSpecs.get(name);
    for (const value of values) {
      const told = (place: string) => (thrown: unknown) => {
        assert.ok(thrown instanceof Error);
        assert.ok(thrown.message.startsWith(`${place} takes `), thrown.message);
        assert.match(thrown.message, /, got "/);
        return true;
      };
      assert.throws(() => configurationOf([`--${name}=${value}`]), told(`--${name}`), value);
      const inFile = spec?.type === "integer" ? Number(value) : spec?.type === "list" ? [value] : value;
      assert.throws(() => configurationOf([], { [name]: inFile }), told(`/etc/pouch/config.json: "${name}"`), value);
    }
  });

test("what a number may be is in its help, and holds", () => {
  const help = helpText();
  for (const [name, { type, range }] of optionSpecs) {
    if (type !== "integer") continue;
    assert.ok(range, name);
    const { least, most = Number.MAX_SAFE_INTEGER, orZero = false } = range;
    const line = help.split("\n").find((one) => one.includes(` --${name} `)) ?? "";
    assert.ok(line.includes(`; takes ${rangeText(range)}`), line);
    for (const value of [least, most, ...(orZero ? [0] : [])]) configurationOf([`--${name}=${value}`]);
    for (const value of [least - 1, most + 1, ...(orZero || least === 0 ? [] : [0])])
      assert.throws(() => configurationOf([`--${name}=${value}`]), new RegExp(`--${name} (takes|is a whole number)`), `${value}`);
  }
});

test("what is possible is taken", () => {
  const file = {
    "home-dir": "/a b%c",
    "exec-root-dir": "/a:b",
    "listen-cri": ["unix:///run/cri.sock"],
    listen: ["tcp://:2375", "tcp://[::1]:2375", "unix:///a b"],
    containerd: "unix:///run/containerd/containerd.sock",
    "default-namespace": "a-b.c_1",
    "cgroup-parent": "/a/b",
    "insecure-registries": ["localhost:5000", "10.0.0.0/8", "[::1]:5000", "a.example"],
    "max-concurrent-downloads": 1,
    "max-concurrent-uploads": 1,
    "mandatory-plugin": ["guard", "@a/guard"],
    validator: ["no-host-hooks", "no-seccomp-change", "no-privileged", "no-bind=/etc"],
    "plugin-answer-bytes": 65536,
    "plugin-answer-values": 1000,
    "plugin-answer-depth": 900,
    "bridge-name": "br-0.1_a",
    bip: "10.1.2.3/24",
    "default-gateway": "10.1.2.1",
    "fixed-cidr-v6": "fd00:1::/64",
    "default-gateway-v6": "fd00:1::1",
    mtu: 0,
    "nft-table": "a/b.c-d_1",
    dns: ["10.0.0.1", "fd00::1"],
    "dns-search": [".", "a.example", "b"],
    "dns-opt": ["ndots:1"],
    label: ["a=", "a=b=c"],
  };
  configurationOf([], file);
});

test("an empty value, and no address or one twice are refused", () => {
  assert.throws(() => configurationOf([], { "home-dir": "" }), /config.json: "home-dir" must not be empty/);
  assert.throws(() => configurationOf([], { dns: ["10.0.0.1", ""] }), /"dns" must not be empty/);
  assert.throws(() => configurationOf([], { listen: [] }), /"listen" needs one address or more/);
  assert.throws(() => configurationOf(["-l", "unix:///a", "-l", "unix:///a"]), /--listen has "unix:\/\/\/a" twice/);
  assert.throws(() => configurationOf(["--enable-cri"], { "listen-cri": [] }), /"listen-cri" needs one address or more/);
  assert.throws(
    () => configurationOf(["--enable-cri", "-l", "unix:///a", "--listen-cri", "unix:///a"]),
    /--listen-cri has "unix:\/\/\/a", where --listen serves Docker's API/,
  );
});

test("with systemd the parent of control groups is a slice", () => {
  const systemd = ["--cgroup-driver", "systemd"];
  assert.equal(configurationOf(systemd)["cgroup-parent"], "pouch.slice");
  assert.equal(configurationOf([...systemd, "--cgroup-parent", "a.slice"])["cgroup-parent"], "a.slice");
  assert.throws(
    () => configurationOf([...systemd, "--cgroup-parent", "/a"]),
    /takes the name of a slice, like a\.slice, .* got "\/a"/,
  );
});

test("a program that is named by a path is the one at that path from here, in whatever folder it is started", () => {
  const configuration = configurationOf(["--runtime-path", "bin/runc"]);
  assert.equal(configuration["runtime-path"], join(process.cwd(), "bin/runc"));
  assert.equal(configuration["containerd-path"], "containerd");
});

for (const [what, args, file, message] of mistakes) {
  test(`${what} is refused with what would be right`, () => {
    assert.throws(() => configurationOf(args, file), message);
  });
}

test("a configuration file that was asked for must exist and hold JSON", () => {
  assert.throws(
    () => readConfiguration(["--config-file", "/nope.json"], noFile),
    /cannot read the configuration file \/nope.json/,
  );
  assert.throws(() => readConfiguration([], () => "{"), /is not valid JSON/);
  const twice = '{"debug": true, "label": [], "debug": false}';
  assert.throws(() => readConfiguration([], () => twice), /debug is there twice, the second time at line 1, column 30/);
});

test("the help names every option", () => {
  const text = helpText();
  for (const name of optionSpecs.keys()) assert.ok(text.includes(`--${name}`), name);
});

test("pouchd plugin has a command and takes the daemon's options, before or after it", () => {
  const invocation = readConfiguration(["--home-dir", "/srv/p", "plugin", "disable", "legacy-env"], () => "{}");
  assert.deepEqual(
    [
      invocation.action,
      "command" in invocation && invocation.command,
      "configuration" in invocation && invocation.configuration["home-dir"],
    ],
    ["plugin", { verb: "disable", name: "legacy-env" }, "/srv/p"],
  );
  const listing = readConfiguration(["plugin", "ls"], () => "{}");
  assert.deepEqual("command" in listing && listing.command, { verb: "ls" });
});
