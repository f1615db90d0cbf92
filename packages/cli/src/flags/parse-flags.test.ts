import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../cli-error.ts";
import { encodeFilters } from "../filters.ts";
import { bool, commaList, int, list, map, parsed, text } from "./flag-types.ts";
import { parseFlags } from "./parse-flags.ts";
import { parseBytes, parseDuration } from "./value-parsers.ts";

const flags = {
  all: bool("", { short: "a" }),
  tty: bool("", { short: "t" }),
  interactive: bool("", { short: "i" }),
  proxy: bool("", { default: true }),
  publish: list("", { short: "p", aliases: ["port"] }),
  name: text(""),
  count: int("", { short: "n", min: 1, max: 9 }),
  memory: parsed("", parseBytes, { short: "m" }),
  opt: map("", { short: "o" }),
  gateway: commaList(""),
  pull: text("", { choices: ["always", "never"] }),
};
const parse = (...argv: string[]) => parseFlags(argv, flags, { stopAtFirstArg: false });
const fails = (argv: string[], message: RegExp, options = { stopAtFirstArg: false }): UsageError => {
  let caught: unknown;
  assert.throws(
    () => parseFlags(argv, flags, options),
    (error: unknown) => {
      caught = error;
      return error instanceof UsageError && message.test(error.message);
    },
  );
  assert.ok(caught instanceof UsageError);
  return caught;
};

test("a key that every object has is a key like others", () => {
  const { values: read } = parse("-o", "__proto__=x", "-o", "constructor=y");
  assert.equal(JSON.stringify(read["opt"]), '{"__proto__":"x","constructor":"y"}');
  const filters = encodeFilters([
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
  assert.equal(filters, '{"__proto__":{"x":true},"constructor":{"y":true}}');
});

test("every spelling of a value is understood", () => {
  for (const argv of [
    ["-p80:80"],
    ["-p=80:80"],
    ["-p", "80:80"],
    ["--publish=80:80"],
    ["--publish", "80:80"],
    ["--port", "80:80"],
  ]) {
    assert.deepEqual(parse(...argv).values["publish"], ["80:80"], argv.join(" "));
  }
});

test("letters of switches can be typed together, a value may follow the last", () => {
  const { values } = parse("-itm", "64m");
  assert.equal(values["interactive"], true);
  assert.equal(values["tty"], true);
  assert.equal(values["memory"], 64 * 1024 * 1024);
});

test("a switch can be switched off", () => {
  assert.equal(parse("--proxy=false").values["proxy"], false);
  assert.equal(parse().values["proxy"], true);
});

test("flags and arguments mix, and -- ends the flags", () => {
  const line = parse("x", "-a", "y", "--", "-t");
  assert.deepEqual(line.args, ["x", "y", "-t"]);
  assert.equal(line.values["all"], true);
  assert.equal(line.values["tty"], false);
});

test("flags end at the first argument where a command line of its own follows", () => {
  const line = parseFlags(["-t", "busybox", "ls", "-a"], flags, { stopAtFirstArg: true });
  assert.deepEqual(line.args, ["busybox", "ls", "-a"]);
  assert.equal(line.values["all"], false);
});

test("what was given is told from what has its default", () => {
  assert.deepEqual([...parse("--proxy").given], ["proxy"]);
});

test("maps, lists and comma lists collect every occurrence", () => {
  const { values } = parse("-o", "a=1", "-o", "b", "--gateway", "x,y", "--gateway", "z");
  assert.deepEqual(values["opt"], { a: "1", b: "" });
  assert.deepEqual(values["gateway"], ["x", "y", "z"]);
});

test("an unknown flag names the nearest one and ends with 125", () => {
  const error = fails(["--puplish", "1"], /^unknown flag: --puplish$/);
  assert.equal(error.hint, "Did you mean --publish?");
  assert.equal(error.exitCode, 125);
  fails(["-az"], /^unknown shorthand flag: 'z' in -az$/);
});

test("a missing or bad value says what would be right", () => {
  fails(["--name"], /^flag needs an argument: --name$/);
  fails(["-p"], /^flag needs an argument: 'p' in -p$/);
  fails(["-m", "lots"], /^invalid argument "lots" for "-m, --memory" flag: invalid size: 'lots'.*for example/);
  fails(["-n", "ten"], /whole number/);
  fails(["-n", "12"], /between 1 and 9/);
  fails(["--pull", "maybe"], /must be one of always, never/);
  fails(["--all=maybe"], /true or false/);
});

test("a command's own letter wins over a global one", () => {
  const globals = { host: text("", { short: "H" }), help: bool("") };
  const own = { human: bool("", { short: "H" }) };
  const line = parseFlags(["-H", "--host", "x"], own, { stopAtFirstArg: false, globals });
  assert.equal(line.values["human"], true);
  assert.equal(line.values["host"], "x");
});

test("durations and sizes are read as Docker reads them", () => {
  assert.equal(parseDuration("1m30s"), 90e9);
  assert.equal(parseDuration("500ms"), 5e8);
  assert.equal(parseDuration("1.5h"), 5400e9);
  assert.throws(() => parseDuration("5"), /for example 30s/);
  assert.equal(parseBytes("1.5g"), 1.5 * 2 ** 30);
  assert.equal(parseBytes("512"), 512);
  assert.equal(parseBytes("64MiB"), 64 * 2 ** 20);
});
