/** What the operator rules out, on real containers: the validator's rules and mandatory plugins, for what passes and for what does not. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { Daemon, type CommandResult } from "./harness/daemon.ts";
import { writePlugin } from "./harness/write-plugin.ts";

const rules = ["no-host-hooks", "no-seccomp-change", "no-privileged", "no-bind=/etc"].flatMap((rule) => ["--validator", rule]);
const folder = mkdtempSync(join(tmpdir(), "pouch-policy-"));
let daemon: Daemon;

before(async () => {
  daemon = await Daemon.start({ flags: rules });
  writePlugin(folder, {
    name: "raiser",
    pouch: { api: "^1.0.0", points: ["container.preCreate", "container.preStart"] },
    code: `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
registerContainerPlugin({
  preCreate(config) {
    const changes = JSON.parse(config.Labels?.raise ?? "{}");
    Object.assign(config.HostConfig, changes);
  },
  preStart: ({ Config }) => (Config.Labels.hook === undefined ? [] : [{ priority: 1, args: ["/bin/true"] }]),
});
`,
  });
  const installed = await daemon.api("POST", "/plugins/install", { source: folder });
  assert.equal(installed.status, 200, installed.text);
});

after(async () => {
  await daemon[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const raising = (changes: object, ...more: string[]): string[] => ["--label", `raise=${JSON.stringify(changes)}`, ...more];

test("what no rule is about has its effect: a plugin's limit is the kernel's, a client's privileged container is one", async () => {
  const limited = await daemon.docker(
    "run",
    "--rm",
    ...raising({ PidsLimit: 77 }),
    "busybox",
    "sh",
    "-c",
    "cat /sys/fs/cgroup/pids.max || cat /sys/fs/cgroup/pids/pids.max",
  );
  assert.equal(limited.stdout.trim(), "77", limited.stderr);
  const capabilities = async (...flags: string[]): Promise<string> => {
    const { stdout, stderr } = await daemon.docker("run", "--rm", ...flags, "busybox", "grep", "CapEff", "/proc/self/status");
    assert.match(stdout, /^CapEff:/, stderr);
    return stdout;
  };
  assert.notEqual(await capabilities("--privileged"), await capabilities());
});

test("what a rule is about is refused, names who asked for it, and leaves nothing", async () => {
  for (const [flags, words] of [
    [raising({ Privileged: true }), 'plugin "raiser" made the container privileged'],
    [raising({ SecurityOpt: ["seccomp=unconfined"] }), 'plugin "raiser" changed the seccomp profile'],
    [raising({ Binds: ["/etc/ssl:/x"] }), "/etc/ssl is not mounted into containers here"],
    [["-v", "/etc:/x"], "/etc is not mounted into containers here"],
  ] as const) {
    const { code, stderr } = await daemon.docker("create", ...flags, "busybox");
    assert.notEqual(code, 0);
    assert.ok(stderr.includes(`plugin "pouch-validator" at container.validateCreate: ${words}`), stderr);
  }
  for (const [type, device, o, path] of [
    ["none", "/etc", "bind", "/etc"],
    ["none", "etc", "bind", "etc"],
    ["overlay", "overlay", "lowerdir=/e\\tc:/tmp", "/etc"],
  ] as const) {
    const options = [`type=${type}`, `device=${device}`, `o=${o}`].flatMap((option) => ["-o", option]);
    const { stderr } = await daemon.docker("volume", "create", ...options, "shadow");
    assert.ok(stderr.includes(`plugin "pouch-validator" at volume.validateVolumeCreate: ${path} is not mounted`), stderr);
  }
  const hooked = await daemon.docker("run", "--rm", "--label", "hook=yes", "busybox", "true");
  assert.match(hooked.stderr, /plugin "raiser" at container.preStart: it asks for the hook \/bin\/true/);
  assert.equal((await daemon.docker("ps", "-aq")).stdout, "");
  assert.equal((await daemon.docker("volume", "ls", "-q")).stdout, "");
});

test("garbage of a plugin is told as the plugin's, not as the client's", async () => {
  for (const [changes, words] of [
    [{ Memory: -5 }, "Minimum memory limit allowed is 6MB, since it changed HostConfig.Memory"],
    [{ NetworkMode: "nowhere" }, "network nowhere not found, since it changed HostConfig.NetworkMode"],
    [{ Binds: ["/a:b:c:d"] }, /since it changed HostConfig\.Binds/],
    [{ Devices: [{ PathOnHost: "/dev/nu\0ll" }] }, "HostConfig.Devices[0].PathOnHost must not contain a NUL, since it changed"],
  ] as const) {
    const { stderr } = await daemon.docker("create", ...raising(changes), "busybox");
    assert.match(stderr, /plugin "raiser" at container\.preCreate: /);
    if (typeof words === "string") assert.ok(stderr.includes(words), stderr);
    else assert.match(stderr, words);
  }
});

test("what the kernel cannot carry is refused where it is given, with the field's name", async () => {
  const id = (await daemon.docker("run", "-d", "busybox", "sleep", "600")).stdout.trim();
  assert.equal((await daemon.docker("network", "create", "carried")).code, 0);
  for (const [path, body, words] of [
    ["/containers/create", { Image: "busybox", Env: ["A=1", "B=\0"] }, "Env[1] must not contain a NUL"],
    ["/containers/create", { Image: "busybox", Labels: { "a\0": "" } }, 'Labels["a\\u0000"] must not contain a NUL'],
    ["/containers/create", { Image: "busybox", Hostname: "h".repeat(65) }, "Hostname has 65 bytes; the kernel takes at most 64"],
    [`/containers/${id}/exec`, { Cmd: ["echo", "a\0b"] }, "Cmd[1] must not contain a NUL"],
    [`/containers/${id}/exec`, { Cmd: ["true"], Env: ["=x"] }, "invalid environment variable: =x"],
    [`/containers/${id}/update`, { Env: ["A=\0"] }, "Env[0] must not contain a NUL"],
    [`/containers/${id}/update`, { Env: ["=x"] }, "invalid environment variable: =x"],
    ["/volumes/create", { DriverOpts: { o: "a\0" } }, "DriverOpts.o must not contain a NUL"],
    ["/networks/create", { Name: "a\0b" }, "Name must not contain a NUL"],
    [
      "/networks/carried/connect",
      { Container: id, EndpointConfig: { Aliases: ["a\0"] } },
      "EndpointConfig.Aliases[0] must not contain a NUL",
    ],
  ] as const) {
    const answer = await daemon.api("POST", path, body);
    assert.deepEqual([answer.status, answer.json()], [400, { message: words }], path);
  }
  assert.equal((await daemon.docker("rm", "-f", id)).code, 0);
});

test("without a mandatory plugin no container is created: one that a label names, of it or of its image; the validator is switched off by nobody", async () => {
  const label = (name: string): string[] => ["--label", `io.pouchcontainer.mandatory-plugins=${name}`];
  const named = await daemon.docker("run", "--rm", ...label("raiser"), "busybox", "echo", "admitted");
  assert.equal(named.stdout, "admitted\n", named.stderr);
  const missing = await daemon.docker("create", ...label("guard"), "busybox");
  assert.match(missing.stderr, /no container is created without the mandatory plugin "guard": it is not installed, or disabled/);

  const ofImage = async (name: string, ...flags: string[]): Promise<CommandResult> => {
    const archive = join(folder, `${name}.tar`);
    makeImageArchive(archive, { name: `of-${name}`, config: { Labels: { "io.pouchcontainer.mandatory-plugins": name } } });
    await daemon.load(archive);
    return await daemon.docker("run", "--rm", ...flags, `of-${name}`, "echo", "admitted");
  };
  assert.equal((await ofImage("raiser")).stdout, "admitted\n");
  for (const flags of [[], label("")])
    assert.match(
      (await ofImage("guard", ...flags)).stderr,
      /no container of this image is created without the mandatory plugin "guard", which its label \S+ names: it is not installed/,
    );

  for (const flags of [[], ["--force"]])
    assert.match(
      (await daemon.docker("plugin", "disable", ...flags, "pouch-validator")).stderr,
      /plugin pouch-validator is the rules of the daemon's --validator/,
    );
  assert.equal((await daemon.api("POST", "/plugins/pouch-validator/mode", { mode: "shadow" })).status, 409);
  assert.match((await daemon.docker("create", "-v", "/etc:/x", "busybox")).stderr, /plugin "pouch-validator" at/);
});
