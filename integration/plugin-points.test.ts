/** Points in a real daemon: what an installed plugin sees there, changes and refuses. */
import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { eventually, run } from "./harness/daemon.ts";
import { Registry } from "./harness/registry.ts";
import { sharedDaemon } from "./harness/shared-daemon.ts";
import { printed } from "./harness/printed.ts";
import { writePlugin } from "./harness/write-plugin.ts";

const { daemon, scratch } = await sharedDaemon("points");

const docker = (...args: string[]): Promise<string> => printed(daemon, "docker", ...args);

/** A plugin of one kind, installed for the length of a test. */
async function install(t: TestContext, name: string, kind: string, methods: Record<string, string>): Promise<void> {
  const register = `register${kind.charAt(0).toUpperCase()}${kind.slice(1)}Plugin`;
  const object = Object.entries(methods).map(([method, code]) => `${method}: ${code},`);
  const folder = writePlugin(join(scratch, name), {
    name,
    pouch: { api: "^1.2.0", points: Object.keys(methods).map((method) => `${kind}.${method}`) },
    code: `import { ${register}, forbidden, unavailable } from "@pouchcontainer/plugin-sdk";\n${register}({ ${object.join("\n")} });\n`,
  });
  const answer = await daemon.api("POST", "/plugins/install", { source: folder });
  assert.equal(answer.status, 200, answer.text);
  t.after(async () => {
    await docker("plugin", "disable", "-f", name);
    await docker("plugin", "rm", name);
  });
}

/** Outcomes of the calls at a point that are kept with a container, oldest first. */
async function outcomes(container: string, point: string): Promise<string[]> {
  const calls = (await daemon.api("GET", `/plugins/trace?container=${container}`)).json<{ point: string; outcome: string }[]>();
  return calls.flatMap((call) => (call.point === point ? [call.outcome] : []));
}

test("container.preRemove: a removal is refused, by force and by a prune too, and --rm needs no leave", async (t) => {
  await install(t, "keeper", "container", {
    preRemove: `({ Config, State }) => { if (Config.Labels.keep === State.Status) throw forbidden("it is kept while it is " + State.Status); }`,
  });
  const id = await docker("run", "-d", "--label", "keep=running", "busybox", "sleep", "600");
  const refused = await daemon.docker("rm", "-f", id);
  assert.match(refused.stderr, /plugin "keeper" at container.preRemove: it is kept while it is running/);
  assert.equal(await docker("inspect", "-f", "{{.State.Running}}", id), "true");
  assert.deepEqual(await outcomes(id, "container.preRemove"), ["failed"]);
  await docker("kill", id);
  await docker("rm", id);

  const kept = await docker("create", "--label", "keep=created", "busybox");
  const other = await docker("create", "busybox");
  assert.match(await docker("container", "prune", "-f"), new RegExp(other));
  assert.equal(await docker("ps", "-aq", "--no-trunc"), kept);
  await docker("run", "--rm", "--label", "keep=exited", "busybox", "true");
  await docker("start", kept);
  await docker("wait", kept);
  await docker("rm", kept);
});

test("container.preExec: an exec gets another user, or is refused; the daemon's own health checks are not asked about", async (t) => {
  await install(t, "exec-guard", "container", {
    preExec: `(config) => { if (config.Privileged) throw forbidden("no privileged exec"); if (config.Cmd[0] === "astray") config.WorkingDir = "tmp"; config.Env = [...(config.Env ?? []), "SECRET_TOKEN=abc"]; config.User = "1234"; }`,
  });
  const id = await docker(
    "run",
    "-d",
    "--health-cmd",
    "test $(id -u) = 0",
    "--health-interval",
    "100ms",
    "busybox",
    "sleep",
    "600",
  );
  assert.equal(await docker("exec", id, "sh", "-c", "id -u; echo $SECRET_TOKEN"), "1234\nabc");
  const refused = await daemon.docker("exec", "--privileged", id, "true");
  assert.match(refused.stderr, /plugin "exec-guard" at container.preExec: no privileged exec/);
  const astray = await daemon.docker("exec", id, "astray");
  assert.match(astray.stderr, /plugin "exec-guard" at container.preExec: Cwd must be an absolute path: tmp, since it changed /);
  assert.deepEqual(await outcomes(id, "container.preExec"), ["changed", "failed", "failed"]);
  assert.doesNotMatch((await daemon.api("GET", `/plugins/trace?container=${id}`)).text, /SECRET_TOKEN=abc/);
  await eventually("it is healthy", async () => (await docker("inspect", "-f", "{{.State.Health.Status}}", id)) === "healthy");
  await docker("rm", "-f", id);
});

test("volume.preRemove: a removal is refused, and a prune leaves the volume; what goes with a container is not asked about", async (t) => {
  await install(t, "volume-keeper", "volume", {
    preRemove: `({ Name, Labels }) => { if (Labels?.keep || Labels?.["com.docker.volume.anonymous"] === "") throw forbidden(Name + " is kept"); }`,
  });
  await docker("volume", "create", "--label", "keep=yes", "kept");
  await docker("volume", "create", "loose");
  const refused = await daemon.docker("volume", "rm", "-f", "kept");
  assert.match(refused.stderr, /plugin "volume-keeper" at volume.preRemove: kept is kept/);
  // Old clients' prune takes all, and new ones' needs a flag that old ones lack.
  const all = encodeURIComponent(JSON.stringify({ all: ["true"] }));
  assert.deepEqual((await daemon.api("POST", `/v1.43/volumes/prune?filters=${all}`)).json(), {
    VolumesDeleted: ["loose"],
    SpaceReclaimed: 0,
  });
  assert.equal(await docker("volume", "ls", "-q"), "kept");
  await docker("run", "--rm", "-v", "/anonymous", "busybox", "true");
  assert.equal(await docker("volume", "ls", "-q"), "kept");
  const tried = await daemon.api("POST", "/plugins/dry-run", {
    point: "volume.preRemove",
    body: { Name: "x", Labels: { keep: "1" } },
  });
  assert.match(tried.text, /x is kept/);
});

test("image.prePull: a pull is refused, or gets another reference, by which the image is stored", async (t) => {
  await using registry = await Registry.start();
  registry.mirror(join(daemon.directory, "certs.d"), "docker.io");
  const target = `docker://${registry.host}/library/busybox:pulled`;
  const archive = `docker-archive:${join(daemon.directory, "busybox.tar")}`;
  const pushed = await run("skopeo", ["copy", "-q", "--dest-tls-verify=false", archive, target]);
  assert.equal(pushed.code, 0, pushed.stderr);
  await install(t, "pull-guard", "image", {
    prePull: `(request) => { if (request.reference === "busybox:1.99") throw forbidden("not this one"); if (request.reference === "astray:latest") request.reference = "::"; request.reference = request.reference.replace("wanted:1", "busybox:pulled"); }`,
  });
  const refused = await daemon.docker("pull", "busybox:1.99");
  assert.match(refused.stderr, /plugin "pull-guard" at image.prePull: not this one/);
  const astray = await daemon.docker("pull", "astray");
  assert.match(astray.stderr, /plugin "pull-guard" at image.prePull: invalid reference format, since it changed reference/);
  await docker("pull", "wanted:1");
  assert.match(await docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}"), /^busybox:pulled$/m);
  await docker("image", "rm", "busybox:pulled");
});

test("image.prePush: a push is refused before the registry is asked, and one that is not refused goes on", async (t) => {
  await using registry = await Registry.start();
  await install(t, "push-guard", "image", {
    prePush: `({ reference, platform, config }) => { if (reference.endsWith(":secret")) throw forbidden(config.os + " image for " + platform + " stays here"); }`,
  });
  const name = `${registry.host}/team/app`;
  for (const tag of ["public", "secret"]) await docker("tag", "busybox", `${name}:${tag}`);
  for (const what of [["-a", name], [`${name}:secret`]]) {
    const refused = await daemon.docker("push", ...what);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /plugin "push-guard" at image.prePush: linux image for linux\/\w+ stays here/);
  }
  assert.equal((await fetch(`http://${registry.host}/v2/team/app/tags/list`)).status, 404);
  assert.match(await docker("push", `${name}:public`), /public: digest: sha256:/);
});

test("network.preCreate: a create is changed, or refused and leaves nothing", async (t) => {
  await install(t, "network-guard", "network", {
    preCreate: `(config) => { if (!config.Internal) throw forbidden("internal networks only"); if (config.Name === "astray") config.Driver = "magic"; config.Labels = { ...config.Labels, zone: "dmz" }; }`,
  });
  const refused = await daemon.docker("network", "create", "open");
  assert.match(refused.stderr, /plugin "network-guard" at network.preCreate: internal networks only/);
  const astray = await daemon.docker("network", "create", "--internal", "astray");
  assert.match(astray.stderr, /plugin "network-guard" at network.preCreate: plugin "magic" not found, since it changed Driver/);
  await docker("network", "create", "--internal", "closed");
  assert.equal(await docker("network", "inspect", "-f", '{{index .Labels "zone"}}', "closed"), "dmz");
  assert.doesNotMatch(await docker("network", "ls", "--format", "{{.Name}}"), /open/);
  const tried = await daemon.api("POST", "/plugins/dry-run", { point: "network.preCreate", body: { Name: "x" } });
  assert.match(tried.text, /internal networks only/);
  await docker("network", "rm", "closed");
});

test("plugins are told of a container's life in order, and what they throw undoes nothing", async (t) => {
  const note = (what: string): string =>
    `({ Name, State }) => { console.log("told " + Name + " ${what} " + State.Status); throw new Error("not ready"); }`;
  await install(t, "teller", "container", {
    postCreate: note("created"),
    postStart: note("started"),
    postStop: `({ Name, State }, { exitCode, oomKilled }) => { console.log("told " + Name + " stopped " + exitCode + " " + oomKilled + " " + State.ExitCode); }`,
  });
  const told = async (name: string): Promise<string[]> =>
    [...(await daemon.api("GET", "/plugins/teller/logs")).text.matchAll(/told \/(\S+) (.*?)\\?"?\n/g)].flatMap(([, of, what]) =>
      of === name ? [what ?? ""] : [],
    );
  const id = await docker("create", "--name", "told", "busybox", "sh", "-c", "exit 3");
  await eventually("it was told of the create", async () => (await told("told")).join() === "created created");
  assert.deepEqual(await outcomes(id, "container.postCreate"), ["failed"]);
  await docker("start", id);
  await docker("wait", id);
  await eventually("it was told of the start", async () => (await told("told")).includes("started running"));
  assert.equal(await docker("inspect", "-f", "{{.State.ExitCode}}", id), "3");
  await eventually("it was told of the end", async () => (await told("told")).length === 3);
  assert.deepEqual(await told("told"), ["created created", "started running", "stopped 3 false 3"]);
  await docker("run", "-d", "--name", "again", "--restart", "on-failure:1", "busybox", "false");
  const twice = ["created created", "started running", "stopped 1 false 1", "started running", "stopped 1 false 1"];
  await eventually("it was told of the restart by policy", async () => (await told("again")).length === twice.length);
  assert.deepEqual(await told("again"), twice);
  await docker("rm", "again");
  assert.match(daemon.log, /plugin \\"teller\\" at container.postCreate: not ready; it goes on/);
  await docker("rm", id);
});

test("container.preStop: the stop signal waits for the plugin, and comes though it fails; a kill asks nobody", async (t) => {
  await install(t, "drain", "container", {
    preStop: `async ({ State }, { log }) => {
      await new Promise((go) => setTimeout(go, 300));
      const isAlive = process.getBuiltinModule("node:fs").existsSync("/proc/" + State.Pid);
      log.info("drained while its process was " + (isAlive ? "alive" : "gone"));
      throw unavailable("no load balancer");
    }`,
  });
  const run = (): Promise<string> =>
    docker("run", "-d", "busybox", "sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.02; done");
  const id = await run();
  await eventually("it listens to signals", async () => (await docker("logs", id)) === "ready");
  await docker("stop", id);
  assert.deepEqual(await outcomes(id, "container.preStop"), ["failed"]);
  assert.equal(await docker("inspect", "-f", "{{.State.ExitCode}}", id), "5");
  assert.match(daemon.log, /drained while its process was alive/);
  const killed = await run();
  await docker("kill", killed);
  assert.deepEqual(await outcomes(killed, "container.preStop"), []);
  await docker("rm", id, killed);
});

test("a stop that waits for its plugins does not end what was started after it", async (t) => {
  const asked = join(scratch, "asked");
  await install(t, "slow-drain", "container", {
    preStop: `async () => {
      const fs = process.getBuiltinModule("node:fs");
      fs.writeFileSync(${JSON.stringify(asked)}, "");
      while (fs.existsSync(${JSON.stringify(asked)})) await new Promise((go) => setTimeout(go, 20));
    }`,
  });
  const id = await docker("run", "-d", "busybox", "sleep", "600");
  const stop = daemon.api("POST", `/containers/${id}/stop`);
  await eventually("the plugin was told", () => existsSync(asked));
  await docker("kill", id);
  await docker("start", id);
  rmSync(asked);
  assert.equal((await stop).status, 304);
  assert.equal(await docker("inspect", "-f", "{{.State.Running}}", id), "true");
  assert.doesNotMatch(await docker("events", "--since", "60s", "--until", "0s", "--filter", `container=${id}`), / stop /);
  await docker("rm", "-f", id);
});
