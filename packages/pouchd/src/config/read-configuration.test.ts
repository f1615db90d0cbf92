import assert from "node:assert/strict";
import { test } from "node:test";
import { helpText } from "./help.ts";
import { optionSpecs, type Configuration } from "./options.ts";
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
  ["an address without a scheme", ["-l", "/tmp/x.sock"], undefined, /unix:\/\/\/path or tcp:\/\/host:port, got "\/tmp\/x.sock"/],
  ["an unknown key", [], { snapshoter: "x" }, /unknown key "snapshoter", did you mean snapshotter\?/],
  ["a wrong type in the file", [], { mtu: "1500" }, /"mtu" must be a whole number, got "1500"/],
  ["TLS without its files", ["--tlsverify"], undefined, /--tlsverify needs --tlscacert/],
];
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
});

test("the help names every option", () => {
  const text = helpText();
  for (const name of optionSpecs.keys()) assert.ok(text.includes(`--${name}`), name);
});
