import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { criClients, type CriClients } from "../packages/cri/src/testing/cri-clients.ts";
import { CriPod } from "./harness/cri-pod.ts";
import { Daemon, eventually, projectRoot } from "./harness/daemon.ts";
import { writePlugin } from "./harness/write-plugin.ts";

/** A plugin that gives every container of a pod less memory and a variable, and refuses some. */
const limits = `
import { registerCriPlugin } from "@pouchcontainer/plugin-sdk";

registerCriPlugin({
  preCreateContainer(config, request) {
    const { refuse, plain } = request.sandboxConfig.labels ?? {};
    if (plain) return;
    if (refuse) throw new Error("not in this pod");
    config.HostConfig.Memory = 32 << 20;
    config.Env.push("LIMITED=yes");
  },
});
`;

/** A plugin that changes a pod and its containers, or refuses them. */
const shadowed = `
import { forbidden, registerCriPlugin } from "@pouchcontainer/plugin-sdk";

registerCriPlugin({
  preRunPodSandbox(config) {
    if (config.labels?.shadow === "refused") throw forbidden("no such pods");
    config.hostname = "shadow";
    config.annotations = { ...config.annotations, shadow: "yes" };
    config.linux.sysctls = { ...config.linux.sysctls, "net.ipv4.ip_unprivileged_port_start": "77" };
  },
  preCreateContainer(config, request) {
    if (request.sandboxConfig.labels?.shadow === "refused") throw forbidden("no such containers");
    config.HostConfig.Memory = 32 << 20;
    config.Env.push("SHADOW=yes");
    config.Labels.shadow = "yes";
  },
});
`;

/** A plugin at points of a container's life after its create. */
const life = `
import { forbidden, registerContainerPlugin } from "@pouchcontainer/plugin-sdk";

registerContainerPlugin({
  preExec(config) {
    if (config.Cmd[0] === "reboot") throw forbidden("no reboots");
    config.Env = [...(config.Env ?? []), "EXECED=yes"];
  },
  preRemove({ State }) {
    if (State.Running) throw forbidden("it runs");
  },
  postCreate: (_container, { log }) => log.info("life: created"),
  postStart: (_container, { log }) => log.info("life: started"),
  preStop: ({ State }, { log }) => log.info("life: stops while " + State.Status),
  postStop: (_container, { exitCode }, { log }) => log.info("life: ended with " + exitCode),
});
`;

const lifePoints = ["preExec", "preRemove", "postCreate", "postStart", "preStop", "postStop"];

/** A plugin of Docker's point that says who made the limit of a container. */
const teller = `
import { forbidden, registerContainerPlugin, writesOf } from "@pouchcontainer/plugin-sdk";

registerContainerPlugin({
  validateCreate(config, { provenance }) {
    throw forbidden(JSON.stringify(writesOf(provenance, "/HostConfig/Memory")));
  },
});
`;

interface Inspected {
  State: { Pid: number };
  Config: { Env: string[]; Labels: Record<string, string> };
  PluginTrace?: unknown;
}

void describe("plugins and CRI's containers", () => {
  let daemon: Daemon;
  let clients: CriClients;

  before(async () => {
    daemon = await Daemon.start({ cri: true });
    clients = criClients(daemon.criSocket);
    await install(join(projectRoot, "hookplugins/cri-labels"));
    await install(written("cri-limits", ["cri.preCreateContainer"], limits));
  });

  after(async () => {
    clients?.[Symbol.dispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  const written = (name: string, points: string[], code: string): string =>
    writePlugin(join(daemon.directory, name), { name, pouch: { api: "^1.0.0", points }, code });

  async function install(source: string): Promise<void> {
    const answer = await daemon.api("POST", "/plugins/install", { source, privileges: "all" });
    assert.equal(answer.status, 200, answer.text);
  }

  test("what plugins change is in force, told to CRI's clients and Docker's, and traced", async () => {
    const pod = await CriPod.run(daemon, clients);
    const id = await pod.start("sleep 1000", {
      labels: { own: "1" },
      linux: { resources: { memoryLimitInBytes: 64n << 20n, memorySwapLimitInBytes: 64n << 20n } },
    });
    const name = pod.config.metadata?.name ?? "";
    const environment = await pod.say(id, "cat", "/proc/1/environ");
    assert.match(environment, new RegExp(`POD_NAME=${name}\\0`));
    assert.match(environment, /LIMITED=yes\0/);
    const inspected = (await daemon.api("GET", `/containers/${id}/json`)).json<Inspected>();
    assert.match(readFileSync(limitFile(inspected.State.Pid), "utf8"), new RegExp(`^${32 << 20}$`, "m"));
    assert.equal(inspected.Config.Labels["cri-labels/pod-name"], name);
    const { labels, resources } = await pod.status(id);
    assert.deepEqual(labels, {
      own: "1",
      "cri-labels/pod-name": name,
      "cri-labels/pod-namespace": "tests",
      "cri-labels/pod-uid": `uid-${name}`,
    });
    assert.equal(resources?.linux?.memoryLimitInBytes, 32n << 20n);
    const { stdout } = await daemon.pouch("plugin", "trace", id);
    assert.match(stdout, /cri-labels[^]*cri\.preCreateContainer/);
    const { info } = await pod.client.containerStatus({ containerId: id, verbose: true });
    const { pluginCalls } = JSON.parse(info["info"] ?? "") as { pluginCalls: { plugin: string; outcome: string }[] };
    assert.deepEqual(pluginCalls.map(({ plugin, outcome }) => `${plugin} ${outcome}`).toSorted(), [
      "cri-labels changed",
      "cri-limits changed",
    ]);
    assert.doesNotMatch(info["info"] ?? "", /LIMITED=yes/);
    await pod.remove();
  });

  test("an image that names a mandatory plugin which is not here has no containers over CRI either", async () => {
    const archive = join(daemon.directory, "guarded.tar");
    makeImageArchive(archive, { name: "guarded", config: { Labels: { "io.pouchcontainer.mandatory-plugins": "guard" } } });
    await daemon.load(archive);
    const pod = await CriPod.run(daemon, clients);
    await assert.rejects(
      pod.create({ image: { image: "guarded" } }),
      /no container of this image is created without the mandatory plugin "guard", which its label \S+ names: it is not installed/,
    );
    await pod.remove();
  });

  test("a plugin of CRI's point takes no name out of the label of mandatory plugins", async () => {
    const clean = `import { registerCriPlugin } from "@pouchcontainer/plugin-sdk";
registerCriPlugin({ preCreateContainer(config) { if (config.Labels.clean) delete config.Labels["io.pouchcontainer.mandatory-plugins"]; } });`;
    await install(written("cri-cleaner", ["cri.preCreateContainer"], clean));
    const pod = await CriPod.run(daemon, clients);
    await assert.rejects(
      pod.create({ labels: { clean: "yes", "io.pouchcontainer.mandatory-plugins": "guard" } }),
      /no container is created without the mandatory plugin "guard": it is not installed/,
    );
    await pod.remove();
  });

  test("a plugin that refuses is named, and nothing is left", async () => {
    const pod = await CriPod.run(daemon, clients, { labels: { refuse: "yes" } });
    await assert.rejects(pod.create({}), /plugin "cri-limits" at cri\.preCreateContainer: .*not in this pod/);
    assert.equal((await daemon.docker("ps", "-aq")).stdout, "");
    await pod.remove();
  });

  test("plugins of Docker's points act on CRI's containers too", async () => {
    await install(join(projectRoot, "hookplugins/legacy-env"));
    const pod = await CriPod.run(daemon, clients, { labels: { plain: "yes" } });
    const id = await pod.start("sleep 1000", { envs: [{ key: "LEGACY_MEM", value: Buffer.from("24m") }] });
    const pid = (await daemon.api("GET", `/containers/${id}/json`)).json<Inspected>().State.Pid;
    await eventually("the limit is there", () => readFileSync(limitFile(pid), "utf8").includes(String(24 << 20)));
    await pod.remove();
  });

  test("a container's life goes through the same points as Docker's", async () => {
    const points = lifePoints.map((point) => `container.${point}`);
    await install(written("cri-life", points, life));
    const pod = await CriPod.run(daemon, clients, { labels: { plain: "yes" } });
    const id = await pod.start("sleep 1000", {});
    assert.match(await pod.say(id, "env"), /^EXECED=yes$/m);
    await assert.rejects(pod.say(id, "reboot"), /plugin "cri-life" at container\.preExec: no reboots/);
    await assert.rejects(pod.client.removeContainer({ containerId: id }), /plugin "cri-life" at container\.preRemove: it runs/);
    await pod.client.stopContainer({ containerId: id, timeout: 0n });
    const told = (): string[] => [...daemon.log.matchAll(/"msg":"life: (.*?)"/g)].map(([, what = ""]) => what);
    const all = ["created", "started", "stops while running", "ended with 137"];
    await eventually("all has been told", () => told().length === all.length);
    assert.deepEqual(told(), all);
    await pod.remove();
  });

  test("a plugin in shadow mode changes and refuses nothing of a pod, and its trace has what it would have", async (t) => {
    const name = "cri-shadow";
    const folder = written(name, ["cri.preRunPodSandbox", "cri.preCreateContainer"], shadowed);
    const installed = await daemon.pouch("plugin", "install", "--shadow", "--grant-all-permissions", folder);
    assert.equal(installed.code, 0, installed.stderr);
    t.after(() => daemon.api("DELETE", `/plugins/${name}?force=1`));
    const [pod, refused] = [
      await CriPod.run(daemon, clients, { labels: { plain: "yes" } }),
      await CriPod.run(daemon, clients, { labels: { plain: "yes", shadow: "refused" } }),
    ];
    const id = await pod.start("sleep 1000");
    const refusedId = await refused.create({});
    const { status } = await pod.client.podSandboxStatus({ podSandboxId: pod.id });
    assert.deepEqual(status?.annotations, {});
    assert.equal((await pod.say(id, "hostname")).trim(), pod.config.hostname);
    assert.notEqual((await pod.say(id, "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start")).trim(), "77");
    assert.doesNotMatch(await pod.say(id, "cat", "/proc/1/environ"), /SHADOW/);
    const { State, Config } = (await daemon.api("GET", `/containers/${id}/json`)).json<Inspected>();
    assert.equal(Config.Labels["shadow"], undefined);
    assert.doesNotMatch(readFileSync(limitFile(State.Pid), "utf8"), new RegExp(`^${32 << 20}$`, "m"));

    const traced = async (of: string, what: RegExp): Promise<void> => {
      await eventually(`the trace of ${of} has it`, async () => what.test((await daemon.pouch("plugin", "trace", of)).stdout));
    };
    await traced(pod.id, /cri-shadow.*cri\.preRunPodSandbox .*shadow: would change\n(?: {4}.*\n)*? {4}.*\/hostname "shadow"\n/);
    await traced(pod.id, /\/linux\/sysctls .*ip_unprivileged_port_start/);
    await traced(refused.id, /cri-shadow.*cri\.preRunPodSandbox .*shadow: would refuse\n {4}error: .*no such pods\n/);
    await traced(
      id,
      /cri-shadow.*cri\.preCreateContainer .*shadow: would change\n(?: {4}.*\n)*? {4}.*\/HostConfig\/Memory 33554432\n/,
    );
    await traced(refusedId, /cri-shadow.*cri\.preCreateContainer .*shadow: would refuse\n {4}error: .*no such containers\n/);
    await pod.remove();
    await refused.remove();
  });

  test("a validator is told what plugins of CRI's point changed before Docker's", async () => {
    await install(written("teller", ["container.validateCreate"], teller));
    const pod = await CriPod.run(daemon, clients);
    const limit = { resources: { memoryLimitInBytes: 64n << 20n, memorySwapLimitInBytes: 64n << 20n } };
    const write = JSON.stringify([{ plugin: "cri-limits", old: 64 << 20, new: 32 << 20 }]);
    await assert.rejects(pod.create({ linux: limit }), (error: Error) => {
      assert.ok(error.message.includes(`plugin "teller" at container.validateCreate: ${write}`), error.message);
      return true;
    });
    await pod.remove();
  });
});

/** Of memory, of either version of control groups. */
function limitFile(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  const v1 = lines.find((line) => line.split(":")[1] === "memory");
  const path = (v1 ?? lines[0] ?? "").split(":")[2] ?? "";
  return v1 ? `/sys/fs/cgroup/memory${path}/memory.limit_in_bytes` : `/sys/fs/cgroup${path}/memory.max`;
}
