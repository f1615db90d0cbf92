import { InProcessPlugin, parseManifest } from "@pouchcontainer/plugin-sdk/host";
import type { ContainerCreateConfig, ContainerInspect } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { body, harness, type Harness } from "../host-harness.ts";
import { validatorPlugin } from "./validator-plugin.ts";
import { validatorRules } from "./validator-rules.ts";

async function guarded(...words: string[]): Promise<Harness> {
  const rules = validatorRules(words);
  const world = harness({ refuseHooks: rules.hostHooks, refusePrivilegedExecs: rules.privileged });
  const { packageJson, load } = validatorPlugin(rules);
  const settings = { configuration: {}, environment: {} };
  world.host.add(await InProcessPlugin.load({ manifest: parseManifest(packageJson), load, settings }));
  return world;
}

type Host = ContainerCreateConfig["HostConfig"];

/** Creates with what the client and then plugin `p` say of the host's part. */
async function create(
  { host, add }: Harness,
  asked: Host,
  change: (hostConfig: Host) => unknown = () => undefined,
): Promise<void> {
  if (host.registry.get("p") !== undefined) host.registry.remove("p");
  add("p", "container", { preCreate: ({ HostConfig }) => void change(HostConfig) });
  await host.preCreate(body({ HostConfig: asked }), {});
}

const refusal = (words: string): { kind: string; message: string } => ({
  kind: "forbidden",
  message: `plugin "pouch-validator" at container.validateCreate: ${words}`,
});

test("without a rule nothing is refused", async () => {
  const world = await guarded();
  await create(world, { Binds: ["/etc:/etc"] }, (host) =>
    Object.assign(host, { Privileged: true, SecurityOpt: ["seccomp=unconfined"] }),
  );
});

test("privileged is the client's to ask for, and no plugin's to raise", async () => {
  const world = await guarded("no-privileged");
  const words = 'plugin "p" made the container privileged, which the daemon\'s --validator rules out';
  await create(world, { Privileged: true });
  await create(world, { Privileged: true }, (host) => void (host.Privileged = false));
  await assert.rejects(
    create(world, {}, (host) => void (host.Privileged = true)),
    refusal(words),
  );
  world.add(
    "q",
    "container",
    { preCreate: (config) => ({ ...config, HostConfig: { ...config.HostConfig, Privileged: true } }) },
    { priority: -1 },
  );
  await create(world, { Privileged: true }, (host) => void delete host.Privileged);
  await assert.rejects(create(world, { Privileged: false }), refusal(words.replace('"p"', '"q"')));
});

test("a seccomp profile is no plugin's to set, replace or take away; other options are", async () => {
  const world = await guarded("no-seccomp-change");
  const words = 'plugin "p" changed the seccomp profile, which the daemon\'s --validator rules out';
  const own = ["seccomp=unconfined", "label=disable"];
  await create(world, { SecurityOpt: own }, (host) => void (host.SecurityOpt = ["no-new-privileges", ...own.toReversed()]));
  await create(world, {}, (host) => void (host.SecurityOpt = ["no-new-privileges"]));
  const two = ["seccomp={}", "label=disable", "seccomp=unconfined"];
  await create(world, { SecurityOpt: two }, (host) => void (host.SecurityOpt = [two[1], two[0], two[2], "x"] as string[]));
  for (const [asked, made] of [
    [two, two.toReversed()],
    [undefined, ["seccomp=unconfined"]],
    [["label=disable"], ["label=disable", "seccomp:unconfined"]],
    [own, ["seccomp={}", "label=disable"]],
    [own, ["label=disable"]],
    [own, undefined],
  ] as const)
    await assert.rejects(
      create(world, asked === undefined ? {} : { SecurityOpt: [...asked] }, (host) => {
        if (made === undefined) delete host.SecurityOpt;
        else host.SecurityOpt = [...made];
      }),
      refusal(words),
    );
});

test("kept paths are mounted by nobody, nor what is below them or contains them, by whatever name", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "kept-"));
  t.after(() => rmSync(folder, { recursive: true }));
  symlinkSync("/etc", join(folder, "link"));
  const world = await guarded("no-bind=/etc", "no-bind=/run/none/such");
  const kept = (path: string, by = "/etc"): object =>
    refusal(`${path} is not mounted into containers here: the daemon's --validator keeps ${by} from them`);
  await create(world, {
    Binds: ["/etcetera:/x", "named:/etc", "/usr:/usr:ro"],
    Mounts: [{ Type: "volume", Source: "x", Target: "/etc" }],
  });
  for (const path of ["/etc", "/etc/shadow", "/", "/usr/../etc", join(folder, "link"), join(folder, "link/ssl")])
    await assert.rejects(create(world, { Binds: [`${path}:/x:ro`] }), kept(path));
  await assert.rejects(
    create(world, { Mounts: [{ Type: "bind", Source: "/run/none/such/x", Target: "/x" }] }),
    kept("/run/none/such/x", "/run/none/such"),
  );
  await assert.rejects(
    create(world, {}, (host) => void (host.Binds = ["/etc/ssl:/x"])),
    kept("/etc/ssl"),
  );
});

test("kept paths do not come in as volumes either", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "kept-"));
  t.after(() => rmSync(folder, { recursive: true }));
  symlinkSync("/usr/lib", join(folder, "link"));
  // For the kernel this is /etc; with its `..` taken out by name it is a folder of its own.
  const behindLink = `${folder}/link/../../etc`;
  const { host } = await guarded("no-bind=/etc");
  for (const DriverOpts of [
    { type: "nfs", device: ":/etc", o: "addr=10.0.0.1" },
    { type: "tmpfs", device: "tmpfs", o: "size=1m,mode=755" },
    { type: "overlay", device: "overlay", o: "lowerdir=/usr/etc:etcetera,upperdir=/tmp/u,workdir=/tmp/w" },
  ])
    await host.preVolumeCreate({ Name: "x", DriverOpts }, {});
  for (const DriverOpts of [
    { type: "none", o: "bind", device: "/etc/ssl" },
    { type: "overlay", device: "overlay", o: "lowerdir=/usr:/etc,upperdir=/tmp/u,workdir=/tmp/w" },
    { type: "none", o: "bind", device: "etc" },
    { type: "none", o: "ro,rbind", device: "./etc/ssl" },
    { type: "none", o: "bind", device: "../../usr/../etc" },
    { type: "none", o: "bind", device: behindLink },
    { type: "none", o: "bind", device: behindLink.slice(1) },
    { type: "overlay", device: "overlay", o: `lowerdir=${behindLink}/ssl:/tmp` },
    { type: "tmpfs", o: "bind", device: "etc" },
    { type: "overlay", o: "move", device: "etc" },
    { type: "ext4", device: "etc/disk.img" },
    { type: "overlay", device: "overlay", o: "lowerdir=etc:/tmp" },
    { type: "overlay", device: "overlay", o: "ro,lowerdir=/usr::./etc" },
    { type: "overlay", device: "overlay", o: "lowerdir=/e\\tc:/tmp" },
    { type: "overlay", device: "overlay", o: "lowerdir=\\/etc\\/ssl:/tmp" },
    { type: "overlay", device: "overlay", o: 'lowerdir=/tmp:"/etc"' },
    { type: "overlay", device: "overlay", o: "lowerdir=/tmp/a\\:/b:e\\tc" },
    { type: "overlay", device: "overlay", o: "lowerdir+=/etc,lowerdir+=/tmp" },
    { type: "overlay", device: "overlay", o: "lowerdir=/tmp,upperdir=etc,workdir=/tmp/w" },
    { type: "overlay", device: "overlay", o: "lowerdir=/tmp,upperdir=/tmp/u,workdir=e\\tc/w" },
    { type: "overlay", device: "overlay", o: "lowerdir=/tmp/a\\,b/../../etc" },
  ])
    await assert.rejects(host.preVolumeCreate({ Name: "x", DriverOpts }, {}), {
      kind: "forbidden",
      message: /^plugin "pouch-validator" at volume\.validateVolumeCreate: .* keeps \/etc from them$/,
    });
});

test("hooks on the host are refused as the plugin's that asks for them, and do not open its circuit", async () => {
  const { host, add } = await guarded("no-host-hooks");
  add("hooker", "container", { preStart: () => [{ priority: 1, args: ["/bin/sh", "-c", "true"] }] });
  for (let round = 0; round < 6; round += 1)
    await assert.rejects(host.preStart({ Id: "c1" } as ContainerInspect, {}), {
      kind: "forbidden",
      message:
        'plugin "hooker" at container.preStart: it asks for the hook /bin/sh -c true, and the daemon\'s --validator rules out hooks on the host',
    });
});

test("an exec is no plugin's to make privileged either, whatever another takes back or its policy says; its client may ask for it", async () => {
  const words = 'plugin "p" made the exec privileged, which the daemon\'s --validator rules out';
  const exec = async ({ host, add }: Harness, Privileged: boolean, ...made: (boolean | undefined)[]): Promise<unknown> => {
    for (const [at, value] of made.entries())
      add(
        at === made.length - 1 ? "p" : "q",
        "container",
        { preExec: (config) => ({ ...config, ...(value !== undefined && { Privileged: value }) }) },
        { priority: -at, failurePolicy: "ignore" },
      );
    return (await host.change("container.preExec", { config: { Cmd: ["true"], Privileged } }, {})).Privileged;
  };
  const rule = "no-privileged";
  assert.equal(await exec(await guarded(), false, true), true);
  assert.equal(await exec(await guarded(rule), true, undefined), true);
  assert.equal(await exec(await guarded(rule), true, false, true), true);
  assert.equal(await exec(await guarded(rule), false, true, false), false);
  for (const made of [[true], [false, true]])
    await assert.rejects(exec(await guarded(rule), false, ...made), { kind: "forbidden", message: words });
});
