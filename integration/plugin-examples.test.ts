/** Examples of points in the life of containers, volumes, images and networks, in a real daemon with real containers. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { eventually, projectRoot } from "./harness/daemon.ts";
import { freeSubnet } from "./harness/free-subnet.ts";
import { printed } from "./harness/printed.ts";
import { sharedDaemon } from "./harness/shared-daemon.ts";

const { daemon, scratch } = await sharedDaemon("examples");

const docker = (...args: string[]): Promise<string> => printed(daemon, "docker", ...args);

/** An example, installed for the length of a test. */
async function install(t: TestContext, name: string, configuration: object): Promise<void> {
  const source = join(projectRoot, "hookplugins", name);
  const answer = await daemon.api("POST", "/plugins/install", { source, configuration, privileges: "all" });
  assert.equal(answer.status, 200, answer.text);
  t.after(async () => {
    await docker("plugin", "disable", "-f", name);
    await docker("plugin", "rm", name);
  });
}

async function refused(words: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await daemon.docker(...args);
  assert.notEqual(code, 0);
  assert.ok(stderr.includes(words), stderr);
}

const linesOf = (file: string): string[] => (existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : []);

test("audit-trail: a file has a line for each thing that happened to a container, with its exit code", async (t) => {
  const file = join(scratch, "audit.jsonl");
  await install(t, "audit-trail", { file });
  const id = await docker("create", "--name", "audited", "--label", "owner=ann", "busybox", "sh", "-c", "exit 3");
  await docker("start", id);
  await eventually("all was written down", async () => linesOf(file).length === 3);
  const told = linesOf(file).map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    told.map(({ at, ...line }) => [typeof at, line]),
    [{ what: "created" }, { what: "started" }, { what: "ended", exitCode: 3, oomKilled: false }].map((what) => [
      "string",
      { ...what, id, name: "audited", image: "busybox", owner: "ann" },
    ]),
  );
  const times = told.map(({ at }) => Date.parse(String(at)));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  await docker("rm", id);
});

test("guard-rails: execs, removals and pulls are refused by its rules, and a network gets the site's subnet", async (t) => {
  const { cidr, prefix } = freeSubnet();
  await install(t, "guard-rails", {
    commands: ["id"],
    execUser: "1234",
    registries: ["registry.example.com"],
    subnets: { "railed-net": cidr },
    mtu: 1400,
  });
  t.after(async () => {
    await docker("rm", "-f", "railed");
    await docker("volume", "rm", "railed-data");
  });
  const labels = ["--label", "guard-rails.protect", "--label", "guard-rails.exec=limited"];
  await docker("run", "-d", "--name", "railed", ...labels, "busybox", "sleep", "600");
  assert.equal(await docker("exec", "railed", "id", "-u"), "1234");
  await refused("sh is not among the programs that may be run here: id", "exec", "railed", "sh");
  await refused("container railed is protected by its label", "rm", "-f", "railed");
  assert.equal(await docker("inspect", "-f", "{{.State.Running}}", "railed"), "true");
  await docker("volume", "create", "--label", "guard-rails.protect=yes", "railed-data");
  await refused("volume railed-data is protected by its label", "volume", "rm", "railed-data");
  assert.equal(await docker("volume", "ls", "-q"), "railed-data");
  await refused("images of docker.io are not pulled here, but those of registry.example.com", "pull", "busybox:1.99");

  await docker("run", "--rm", "busybox", "true");
  await docker("network", "create", "railed-net");
  const seen = [
    "run",
    "--rm",
    "--network",
    "railed-net",
    "busybox",
    "sh",
    "-c",
    "ip -o -4 addr show eth0; cat /sys/class/net/eth0/mtu",
  ];
  const shown = await docker(...seen);
  assert.ok(shown.includes(`inet ${prefix}`) && shown.endsWith("\n1400"), shown);
  await docker("network", "rm", "railed-net");
});

test("drain: a stop waits for the command that takes the container out, and a kill does not ask", async (t) => {
  const file = join(scratch, "drained");
  const command = ["/bin/sh", "-c", 'echo "$@" $(test -d /proc/$(cat "$0.pid") && echo runs) >> "$0"', file];
  await install(t, "drain", { command, seconds: 0 });
  const id = await docker("run", "-d", "--name", "served", "--label", "drain.service=web", "busybox", "sleep", "600");
  writeFileSync(`${file}.pid`, await docker("inspect", "-f", "{{.State.Pid}}", id));
  await docker("stop", "-t", "0", id);
  assert.match(linesOf(file).join("\n"), /^web served (?:\d+\.){3}\d+ runs$/);
  await docker("start", id);
  await docker("kill", id);
  assert.equal(linesOf(file).length, 1);
  await docker("rm", id);
});
