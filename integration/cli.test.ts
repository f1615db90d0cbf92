/** Our own command line against a real daemon: exit codes, streams, and a terminal that is always given back. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Daemon, eventually, projectRoot, run } from "./harness/daemon.ts";
import { sendSignal } from "./harness/send-signal.ts";

const pouch = join(projectRoot, "bin/pouch");
let daemon: Daemon;

before(async () => {
  daemon = await Daemon.start();
});
after(async () => {
  await daemon[Symbol.asyncDispose]();
});

interface Terminal {
  type(text: string): void;
  /** Waits until the screen shows it. */
  shows(pattern: RegExp): Promise<void>;
  ended: Promise<string>;
}

/**
 * Runs a shell line in a terminal of 33 rows and 101 columns (util-linux's `script` makes it). The line's exit code and the state of
 * the terminal after it are printed at the end.
 */
function terminal(line: string): Terminal {
  // The shell itself must outlive a Ctrl-C to report what became of the line.
  const script = `trap : INT; stty rows 33 cols 101; ${line}; echo "status=$?"; stty -a | grep -oE -- '-?(icanon|echo|opost)\\b' | tr '\\n' ' '; echo end`;
  const child = spawn("script", ["-qec", script, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, POUCH_HOST: `unix://${daemon.socket}`, SHELL: "/bin/sh", pouch },
  });
  let screen = "";
  child.stdout.on("data", (chunk) => (screen += String(chunk)));
  const hangs = async (why: unknown): Promise<never> => {
    const processes = (await run("ps", ["-eo", "pid,ppid,stat,wchan:24,args", "--forest"])).stdout;
    const containers = (await daemon.api("GET", "/containers/json?all=1")).text;
    assert.fail([String(why), screen, containers, processes, daemon.log.slice(-4000)].join("\n"));
  };
  return {
    type: (text) => void child.stdin.write(text),
    shows: async (pattern) => {
      await eventually(`${pattern} on the screen`, () => pattern.test(screen)).catch((error: unknown) => hangs(error));
    },
    ended: Promise.race([
      new Promise<string>((resolve) => child.once("close", () => resolve(screen))),
      sleep(hungMs, undefined, { ref: false }).then(() => hangs("the line does not end")),
    ]),
  };
}

/** What takes longer hangs, on the slowest machine too. */
const hungMs = 120_000;

function assertGivenBack(screen: string): void {
  const state = /(\S*) ?\r?\n?((?:-?(?:icanon|echo|opost) )+)end/.exec(screen)?.[2] ?? "";
  assert.deepEqual(
    state.trim().split(" ").sort(),
    ["echo", "icanon", "opost"],
    `the terminal is not what it was: ${screen.slice(-200)}`,
  );
}

test("run passes streams and the exit code on", async () => {
  const { code, stdout, stderr } = await daemon.pouch(
    "run",
    "--rm",
    "--network",
    "none",
    "busybox",
    "sh",
    "-c",
    "echo out; echo err >&2; exit 3",
  );
  assert.deepEqual({ code, stdout, stderr }, { code: 3, stdout: "out\n", stderr: "err\n" });
});

test("run ends with 127, 126 and 125 as Docker does", async () => {
  const run = (...args: string[]) => daemon.pouch("run", "--rm", "--network", "none", ...args);
  assert.equal((await run("busybox", "nosuchcommand")).code, 127);
  assert.equal((await run("busybox", "/etc")).code, 126);
  assert.equal((await run("--pull", "never", "nosuchimage", "true")).code, 125);
  assert.equal((await run("--memory", "lots", "busybox", "true")).code, 125);
});

test("in a terminal the container has its size, and the terminal is given back after the exit", async () => {
  const session = terminal(`"$pouch" run -it --rm --network none busybox sh -c 'stty size; read x; exit 5'`);
  await session.shows(/33 101/);
  session.type("\r");
  const screen = await session.ended;
  assert.match(screen, /status=5/);
  assertGivenBack(screen);
});

test("a change of the window reaches the container, the last one last", async () => {
  const changed = join(daemon.directory, "window-changes");
  const changes = [90, 100, 110, 120].map((columns) => `stty -F "$t" rows 40 cols ${columns}`).join("; ");
  const session = terminal(
    `t=$(tty); (until [ -e ${changed} ]; do sleep 0.1; done; ${changes}) & "$pouch" run -it --rm --network none busybox ` +
      `sh -c 'stty size; read x; until stty size | grep "40 120"; do sleep 0.1; done; sleep 0.5; stty size'`,
  );
  await session.shows(/33 101/);
  writeFileSync(changed, "");
  session.type("\r");
  const screen = await session.ended;
  assert.match(screen, /40 120\r\n40 120/);
  assertGivenBack(screen);
});

test("the detach keys leave the container running and give the terminal back; attach takes it up again", async () => {
  const first = terminal(
    `"$pouch" run -it --name detached --network none busybox sh -c 'echo ready; read x; echo got $x; sleep 60'`,
  );
  await first.shows(/ready/);
  first.type("\u0010\u0011");
  assertGivenBack(await first.ended);
  assert.equal((await daemon.pouch("inspect", "-f", "{{.State.Status}}", "detached")).stdout, "running\n");

  const second = terminal(`"$pouch" attach detached`);
  await new Promise((resolve) => setTimeout(resolve, 500));
  second.type("word\r");
  await second.shows(/got word/);
  second.type("\u0010\u0011");
  assertGivenBack(await second.ended);
});

test("SIGTERM gives the terminal back", async () => {
  const session = terminal(
    `sh -c 'echo $$ > ${join(daemon.directory, "pid-of-attach")}; exec "$pouch" exec -it detached sh -c "echo here; sleep 30"'`,
  );
  await session.shows(/here/);
  sendSignal(Number(readFileSync(join(daemon.directory, "pid-of-attach"), "utf8")), "SIGTERM");
  const screen = await session.ended;
  assert.match(screen, /status=143/);
  assertGivenBack(screen);
});

test("Ctrl-C without a terminal in the container is passed on as SIGINT", async () => {
  const session = terminal(
    `"$pouch" run --rm --network none busybox sh -c 'trap "echo caught; exit 4" INT; echo ready; while :; do sleep 0.1; done'`,
  );
  await session.shows(/ready/);
  session.type("\u0003");
  assert.match(await session.ended, /caught[\s\S]*status=4/);
});

test("files and folders go in and come back", async () => {
  const folder = join(daemon.directory, "copy");
  mkdirSync(join(folder, "sub"), { recursive: true });
  writeFileSync(join(folder, "sub/file"), "content");
  const into = await daemon.pouch("cp", folder, "detached:/tmp/there");
  assert.equal(into.code, 0, into.stderr);
  assert.equal((await daemon.pouch("exec", "detached", "cat", "/tmp/there/sub/file")).stdout, "content");
  const back = await daemon.pouch("cp", "detached:/tmp/there", join(daemon.directory, "back"));
  assert.equal(back.code, 0, back.stderr);
  assert.equal(readFileSync(join(daemon.directory, "back/sub/file"), "utf8"), "content");
});

test("what a copy makes of links is what docker's client makes of them", async () => {
  const script = "mkdir -p /l/real; echo zone >/l/real/UTC; ln -s real/UTC /l/zone; ln -s real /l/folder";
  assert.equal((await daemon.pouch("exec", "detached", "sh", "-c", script)).code, 0);
  const outcomes: Record<string, string[]> = {};
  for (const client of ["docker", "pouch"] as const) {
    const local = join(daemon.directory, `links-${client}`);
    const cp = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await daemon[client]("cp", ...args);
      assert.equal(code, 0, `${client} ${args.join(" ")}: ${stderr}`);
    };
    mkdirSync(join(local, "releases/5"), { recursive: true });
    writeFileSync(join(local, "releases/5/app"), "five");
    for (const [link, to] of [
      ["current", "releases/5"],
      ["app", "current/app"],
      ["to-file", "written"],
      ["to-nothing", "made"],
    ] as const)
      symlinkSync(to, join(local, link));
    writeFileSync(join(local, "written"), "");
    mkdirSync(join(local, "out"));

    const copies = [
      ["link", "app", []],
      ["followed", "app", ["-L"]],
      ["folder-link", "current", []],
      ["folder-followed", "current", ["-L"]],
      ["folder-behind", "current/", []],
      ["contents", "current/.", []],
      ["contents-followed", "current/.", ["-L"]],
    ] as const;
    const folders = copies.map(([name]) => `/${client}/in-${name}`).join(" ");
    const prepare = `mkdir -p ${folders}; ln -s /${client}/end /${client}/dangling`;
    assert.equal((await daemon.pouch("exec", "detached", "sh", "-c", prepare)).code, 0);
    for (const [name, source, flags] of copies) {
      await cp(...flags, `${local}/${source}`, `detached:/${client}/${name}`);
      await cp(...flags, `${local}/${source}`, `detached:/${client}/in-${name}/`);
    }
    await cp(join(local, "releases/5/app"), `detached:/${client}/dangling`);

    await cp("detached:/l/zone", join(local, "out"));
    await cp("-L", "detached:/l/zone", join(local, "out/followed"));
    mkdirSync(join(local, "out/in"));
    await cp("-L", "detached:/l/zone", `${join(local, "out/in")}/`);
    await cp("-L", "detached:/l/folder", join(local, "out/in"));
    await cp("-L", "detached:/l/folder/.", join(local, "out/contents"));
    await cp("detached:/l/real/UTC", join(local, "to-file"));
    await cp("detached:/l/real/UTC", join(local, "to-nothing"));

    const list = `find . | LC_ALL=C sort | while read -r p; do if [ -L "$p" ]; then echo "$p -> $(readlink "$p")"; elif [ -f "$p" ]; then echo "$p: $(cat "$p")"; else echo "$p/"; fi; done`;
    const inside = await daemon.pouch("exec", "-w", `/${client}`, "detached", "sh", "-c", list);
    const outside = await run("sh", ["-c", `cd ${local} && ${list}`]);
    outcomes[client] = [...inside.stdout.replaceAll(client, "CLIENT").split("\n"), ...outside.stdout.split("\n")];
  }
  assert.ok((outcomes["docker"] ?? []).includes("./in-followed/app: five"));
  assert.deepEqual(outcomes["pouch"], outcomes["docker"]);
});

test("tables and templates agree with docker's own client", async () => {
  for (const args of [
    ["ps", "-a"],
    ["ps", "-a", "--format", "{{.Names}} {{.Image}} {{.Command}} {{.State}}"],
    ["images", "--no-trunc"],
    ["inspect", "detached"],
    ["network", "ls"],
    ["volume", "ls"],
  ]) {
    // Ages tick on between two commands: what counts is an answer of ours between two equal ones of docker's.
    const [ours, dockers] = await eventually(`docker ${args.join(" ")} says the same twice`, async () => {
      const before = (await daemon.docker(...args)).stdout;
      const between = (await daemon.pouch(...args)).stdout;
      return before === (await daemon.docker(...args)).stdout ? [between, before] : undefined;
    });
    assert.equal(ours, dockers, args.join(" "));
  }
});

test("a name that is not there is Docker's message and a failure", async () => {
  const { code, stderr } = await daemon.pouch("stop", "nosuch");
  assert.equal(code, 1);
  assert.equal(stderr, "Error response from daemon: No such container: nosuch\n");
});

test("run --rm ends also where a plugin took the removal away, and says so", async () => {
  const source = join(daemon.directory, "keeper");
  mkdirSync(source);
  writeFileSync(
    join(source, "package.json"),
    JSON.stringify({
      name: "keeper",
      version: "1.0.0",
      type: "module",
      exports: "./index.ts",
      pouch: { api: "1", points: ["container.preCreate"], filters: { labels: ["keep"] } },
    }),
  );
  writeFileSync(
    join(source, "index.ts"),
    `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
registerContainerPlugin({ preCreate: ({ HostConfig, ...config }) => ({ ...config, HostConfig: {} }) });
`,
  );
  const installed = await daemon.api("POST", "/plugins/install", { source });
  assert.equal(installed.status, 200, installed.text);
  for (const [program, code] of [
    ["true", 0],
    ["/no/such/program", 127],
  ] as const) {
    const ended = await daemon.pouch("run", "--rm", "--label", "keep=1", "busybox", program);
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, /WARNING: plugin "keeper" took HostConfig\.AutoRemove away/);
  }
  assert.equal((await daemon.pouch("ps", "-aq", "--filter", "label=keep")).stdout.trim().split("\n").length, 2);
  assert.equal((await daemon.api("POST", "/containers/prune")).status, 200);
  assert.equal((await daemon.api("DELETE", "/plugins/keeper?force=1")).status, 200);
});
