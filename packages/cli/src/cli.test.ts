import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "./cli.ts";
import type { CliHost } from "./cli.ts";
import { commandReference } from "./command-reference.ts";
import { commandTable } from "./command-table.ts";
import { completionScript } from "./completion.ts";
import { recordedOutputs } from "./output/recorded-outputs.ts";

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const { outputs, texts } = recordedOutputs();
  const host: CliHost = {
    ...outputs,
    contextFor: (globals) => ({
      ...outputs,
      env: {},
      configFolder: "/nonexistent",
      debug: globals.debug,
      now: () => 0,
      stdin: () => process.stdin,
      engine: async () => {
        throw new Error(`no daemon for ${globals.host ?? "the default"}`);
      },
      onInterrupt: () => () => undefined,
      onResize: () => () => undefined,
      onSignal: () => () => undefined,
      onExit: () => () => undefined,
    }),
  };
  return { status: await runCli(argv, host), ...texts };
}

test("without a command it says what there is, and fails", async () => {
  const { status, out, err } = await run();
  assert.equal(status, 1);
  assert.equal(out, "");
  assert.match(err, /^Usage: {2}pouch \[OPTIONS\] COMMAND\n/);
  assert.match(err, /\n {2}run +Create a container/);
});

test("--help lists every command that is not hidden", async () => {
  const { status, out } = await run("--help");
  assert.equal(status, 0);
  for (const entry of commandTable.filter((one) => one.hidden !== true && !one.paths[0]?.includes(" ")))
    assert.match(out, new RegExp(`\\n  ${entry.paths[0]} `));
});

for (const entry of commandTable) {
  test(`pouch ${entry.paths[0]} --help shows usage, examples and flags`, async () => {
    const { status, out } = await run(...(entry.paths[0] ?? "").split(" "), "--help");
    assert.equal(status, 0);
    assert.ok(out.startsWith(`Usage:  pouch ${entry.paths[0]}`));
    const command = await entry.load();
    assert.ok(command.examples.length > 0);
    for (const name of Object.keys(command.flags)) assert.ok(out.includes(`--${name}`), name);
  });
}

test("no two commands share a name", () => {
  const names = commandTable.flatMap((entry) => entry.paths);
  assert.equal(new Set(names).size, names.length);
});

test("an unknown command names the nearest", async () => {
  const { status, err } = await run("imagse");
  assert.equal(status, 1);
  assert.equal(
    err,
    "pouch: unknown command: pouch imagse\n\nDid you mean 'pouch images'?\n\nRun 'pouch --help' for more information\n",
  );
  assert.match((await run("volume", "craete")).err, /Did you mean 'pouch volume create'\?/);
});

test("an unknown flag ends with 125 and shows the usage line", async () => {
  const { status, err } = await run("ps", "--al");
  assert.equal(status, 125);
  assert.match(err, /^unknown flag: --al\n\nDid you mean --all\?\n\nUsage: {2}pouch ps \[OPTIONS\]\n\nRun 'pouch ps --help'/);
});

test("a wrong number of arguments ends with 1", async () => {
  const { status, err } = await run("rm");
  assert.equal(status, 1);
  assert.match(err, /^pouch: 'pouch rm' requires at least 1 argument\n/);
});

test("global flags are taken before and after the command", async () => {
  assert.match((await run("-H", "tcp://a:1", "ps")).err, /no daemon for tcp:\/\/a:1/);
  assert.match((await run("ps", "-H", "tcp://b:1")).err, /no daemon for tcp:\/\/b:1/);
  assert.match((await run("--host=tcp://c:1", "history", "-H=false", "x")).err, /no daemon for tcp:\/\/c:1/);
});

test("the version needs no daemon", async () => {
  const { status, out } = await run("--version");
  assert.equal(status, 0);
  assert.match(out, /^Pouch version \d+\.\d+\.\d+/);
});

test("docs/cli.md is what the commands say of themselves", async () => {
  const written = readFileSync(join(import.meta.dirname, "../../../docs/cli.md"), "utf8");
  assert.equal(written, await commandReference(commandTable), "run: node packages/cli/src/main.ts gen-doc > docs/cli.md");
});

test("the completion of bash is valid and completes", async () => {
  const script = await completionScript("bash", commandTable);
  const ask = (line: string): string[] => {
    const words = line.split(" ");
    const probe = `${script}\nCOMP_WORDS=(${words.map((one) => `'${one}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _pouch; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", probe], { encoding: "utf8" }).trim().split("\n");
  };
  assert.deepEqual(ask("pouch vol"), ["volume"]);
  assert.deepEqual(ask("pouch volume in"), ["inspect"]);
  assert.deepEqual(ask("pouch -H x run --read"), ["--read-only"]);
});

test("the completion of fish and zsh knows every flag", async () => {
  const [fish, zsh] = await Promise.all([completionScript("fish", commandTable), completionScript("zsh", commandTable)]);
  for (const entry of commandTable.filter((one) => one.hidden !== true)) {
    for (const name of Object.keys((await entry.load()).flags)) {
      assert.ok(fish.includes(` -l ${name} `), name);
      assert.ok(zsh.includes(`--${name}`), name);
    }
  }
});
