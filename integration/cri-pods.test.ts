import { GrpcCode } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { spawn, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, afterEach, before, describe, test, type TestContext } from "node:test";
import { NamespaceMode, PodSandboxState } from "../packages/cri/src/gen/runtime_v1_pb.ts";
import { SpdyClient } from "../packages/cri/src/streaming/testing/spdy-client.ts";
import { criClients, type CriClients } from "../packages/cri/src/testing/cri-clients.ts";
import { apiVersions } from "../packages/cri/src/wire/services.ts";
import { Daemon, eventually } from "./harness/daemon.ts";
import { sendSignal } from "./harness/send-signal.ts";

let number = 0;

/** A pod's configuration as a kubelet makes it; what is given replaces it. */
function config<More extends object>(name: string, more: More) {
  return {
    metadata: { name, uid: `uid-${name}-${number++}`, namespace: "tests", attempt: 0 },
    hostname: name,
    labels: { app: name },
    annotations: { "example.com/note": "kept" },
    linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } },
    ...more,
  };
}

void describe("CRI's pods", { timeout: 240_000 }, () => {
  let daemon: Daemon;
  let clients: CriClients;

  before(async () => {
    daemon = await Daemon.start({ cri: true });
    clients = criClients(daemon.criSocket);
  });

  after(async () => {
    clients?.[Symbol.dispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  afterEach(async () => {
    const client = clients.runtime();
    for (const { id } of (await client.listPodSandbox({})).items) await client.removePodSandbox({ podSandboxId: id });
  });

  const run = async (name: string, more: object = {}): Promise<string> =>
    (await clients.runtime().runPodSandbox({ config: config(name, more) })).podSandboxId;

  const statusOf = async (podSandboxId: string) => (await clients.runtime().podSandboxStatus({ podSandboxId })).status;

  const pinOf = (id: string, kind = "net"): string => join(daemon.execRoot, "pods", id, kind);

  function within(id: string, ...command: string[]): string {
    return execFileSync("nsenter", [`--net=${pinOf(id)}`, ...command], { encoding: "utf8", timeout: 20_000 });
  }

  /** A service in the pod that greets whoever connects. */
  function serve(t: TestContext, id: string, port: number, greeting: string): void {
    const command = ["busybox", "nc", "-ll", "-p", String(port), "-e", "echo", greeting];
    const server = spawn("nsenter", [`--net=${pinOf(id)}`, ...command], { stdio: "ignore" });
    server.on("error", (error) => assert.fail(error));
    t.after(() => server.kill("SIGKILL"));
  }

  /** What a client hears at an address, once somebody listens there. */
  function hear(host: string, port: number): Promise<string> {
    return eventually(`somebody listens at ${host}:${port}`, async () => {
      const socket = connect({ host, port, timeout: 1000 });
      socket.on("timeout", () => socket.destroy());
      return (await text(socket).catch(() => "")).trim() || undefined;
    });
  }

  /** Mounts, addresses and folders of pods. */
  function traces(): string[] {
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    return [...mounts.filter((line) => line.includes(join(daemon.execRoot, "pods"))), ...daemon.podNetwork.held()];
  }

  test("a pod is run, shown, listed, stopped and removed, under both names", async () => {
    for (const version of apiVersions) {
      const client = clients.runtime(version);
      const asked = config(`life-${version}`, {});
      const { podSandboxId } = await client.runPodSandbox({ config: asked });
      assert.match(podSandboxId, /^[0-9a-f]{64}$/);
      const { status, info } = await client.podSandboxStatus({ podSandboxId, verbose: true });
      assert.deepEqual(
        [status?.id, status?.state, status?.metadata?.uid, status?.labels, status?.annotations],
        [podSandboxId, PodSandboxState.SANDBOX_READY, asked.metadata.uid, asked.labels, asked.annotations],
      );
      const { prefix, prefix6 } = daemon.podNetwork.subnet;
      assert.ok(status?.network?.ip.startsWith(prefix));
      assert.ok(status?.network?.additionalIps[0]?.ip.startsWith(prefix6));
      assert.ok(Math.abs(Number(status?.createdAt) / 1e6 - Date.now()) < 60_000);
      assert.match(info["info"] ?? "", /"cniResult":\{/);

      const ids = async (filter: object): Promise<string[]> =>
        (await client.listPodSandbox({ filter })).items.map(({ id }) => id);
      const ready = { state: { state: PodSandboxState.SANDBOX_READY } };
      const ended = { state: { state: PodSandboxState.SANDBOX_NOTREADY } };
      const own = { labelSelector: asked.labels };
      assert.deepEqual(await ids({ ...own, ...ready }), [podSandboxId]);
      assert.deepEqual(await ids({ ...own, ...ended }), []);
      assert.deepEqual(await ids({ id: podSandboxId.slice(0, 13) }), [podSandboxId]);
      assert.deepEqual(await ids({ id: "f00" }), []);
      assert.deepEqual(await ids({ labelSelector: { app: "other" } }), []);
      const streamed: string[] = [];
      for await (const { podSandboxes } of client.streamPodSandboxes({ filter: own }))
        streamed.push(...podSandboxes.map(({ id }) => id));
      assert.deepEqual(streamed, [podSandboxId]);

      for (let round = 0; round < 2; round++) await client.stopPodSandbox({ podSandboxId });
      assert.deepEqual(await ids({ ...own, ...ended }), [podSandboxId]);
      assert.equal((await client.podSandboxStatus({ podSandboxId })).status?.network?.ip, "");
      for (let round = 0; round < 2; round++) await client.removePodSandbox({ podSandboxId });
      await client.stopPodSandbox({ podSandboxId });
      await assert.rejects(client.podSandboxStatus({ podSandboxId }), { code: GrpcCode.notFound });
      assert.deepEqual(traces(), []);
    }
  });

  test("pods reach each other, a host port leads into one, and a port is forwarded", async (t) => {
    const portMappings = [{ containerPort: 80, hostPort: 18_700 + (process.pid % 90) }];
    const [web, asks] = await Promise.all([run("web", { portMappings }), run("asks")]);
    const { ip = "", additionalIps = [] } = (await statusOf(web))?.network ?? {};
    for (const address of [ip, ...additionalIps.map((each) => each.ip)])
      within(asks, "busybox", "ping", "-c", "1", "-W", "5", address);
    serve(t, web, 80, "from-web");
    assert.equal(await hear(ip, 80), "from-web");
    assert.equal(await hear("127.0.0.1", portMappings[0]?.hostPort ?? 0), "from-web");

    const { url } = await clients.runtime().portForward({ podSandboxId: web, port: [80] });
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/portforward\//);
    const client = await SpdyClient.open(url, "portforward.k8s.io");
    const forward = async (port: string) => {
      const error = await client.stream({ streamType: "error", port });
      await error.end();
      const data = await client.stream({ streamType: "data", port });
      await data.end();
      return { heard: text(data.output), told: text(error.output) };
    };
    const good = await forward("80");
    assert.equal((await good.heard).trim(), "from-web");
    assert.equal(await good.told, "");
    const bad = await forward("81");
    assert.match(await bad.told, new RegExp(`error forwarding port 81 to pod ${web}: nobody listens on port 81`));
    client.socket.destroy();
    await Promise.all([web, asks].map((podSandboxId) => clients.runtime().removePodSandbox({ podSandboxId })));
    assert.deepEqual(traces(), []);
  });

  test("a connection that is forwarded ends with its pod, and none is promised after that", async (t) => {
    const id = await run("forwarded");
    const server = spawn("nsenter", [`--net=${pinOf(id)}`, "busybox", "nc", "-ll", "-p", "90", "-e", "cat"], { stdio: "ignore" });
    server.on("error", (error) => assert.fail(error));
    t.after(() => server.kill("SIGKILL"));
    await eventually("it listens", () => within(id, "busybox", "netstat", "-ltn").includes(":90 "));
    const { url } = await clients.runtime().portForward({ podSandboxId: id, port: [90] });
    const client = await SpdyClient.open(url, "portforward.k8s.io");
    const error = await client.stream({ streamType: "error", port: "90" });
    await error.end();
    const data = await client.stream({ streamType: "data", port: "90" });
    const answered = new Promise((resolve) => data.output.once("data", resolve));
    await data.write("hello");
    assert.equal(String(await answered), "hello");
    const ended = text(data.output);
    await clients.runtime().stopPodSandbox({ podSandboxId: id });
    await ended;
    client.socket.destroy();
    await assert.rejects(clients.runtime().portForward({ podSandboxId: id, port: [90] }), { code: GrpcCode.failedPrecondition });
    await assert.rejects(clients.runtime().portForward({ podSandboxId: "f00", port: [90] }), { code: GrpcCode.notFound });
    await clients.runtime().removePodSandbox({ podSandboxId: id });
  });

  test("namespaces are the pod's or the host's as asked, and a shared pid namespace has its first process", async () => {
    const { POD, CONTAINER, NODE } = NamespaceMode;
    for (const options of [
      { network: POD, ipc: POD, pid: POD },
      { network: POD, ipc: NODE, pid: CONTAINER },
      { network: NODE, ipc: NODE, pid: NODE },
      { network: NODE, ipc: POD, pid: CONTAINER },
    ]) {
      const id = await run("spaces", { linux: { securityContext: { namespaceOptions: options } } });
      const status = await statusOf(id);
      const { network, ipc, pid } = status?.linux?.namespaces?.options ?? {};
      assert.deepEqual({ network, ipc, pid }, options);
      assert.equal(status?.network?.ip === "", options.network === NODE);
      for (const [kind, mode] of [
        ["net", options.network],
        ["ipc", options.ipc],
        ["pid", options.pid],
      ] as const)
        assert.equal(existsSync(pinOf(id, kind)), mode === POD, kind);
      await clients.runtime().removePodSandbox({ podSandboxId: id });
    }
    assert.deepEqual(traces(), []);
  });

  test("a pod whose first process is killed is not ready, and is stopped and removed like any other", async () => {
    const id = await run("killed", { linux: {} });
    const { info } = await clients.runtime().podSandboxStatus({ podSandboxId: id, verbose: true });
    const { pid } = JSON.parse(info["info"] ?? "") as { pid: number };
    sendSignal(pid, "SIGKILL");
    await eventually("it is seen", async () => (await statusOf(id))?.state === PodSandboxState.SANDBOX_NOTREADY);
    await clients.runtime().stopPodSandbox({ podSandboxId: id });
    await clients.runtime().removePodSandbox({ podSandboxId: id });
    assert.deepEqual(traces(), []);
  });

  test("limits of a pod go into its own control group, are changed, and its use is told", async () => {
    const parent = `/${daemon.cgroupParent}/limited`;
    const client = clients.runtime();
    const id = await run("limited", {
      linux: { cgroupParent: parent, resources: { memoryLimitInBytes: 64n << 20n }, sysctls: { "kernel.shmmni": "777" } },
    });
    const limit = (): string =>
      ["memory/memory.limit_in_bytes", "memory.max"]
        .map((file) => join("/sys/fs/cgroup", file.replace(/([^/]+)$/, `${parent}/$1`)))
        .filter((file) => existsSync(file))
        .map((file) => readFileSync(file, "utf8").trim())
        .join();
    assert.equal(limit(), String(64 << 20));
    await client.updatePodSandboxResources({ podSandboxId: id, resources: { memoryLimitInBytes: 128n << 20n } });
    assert.equal(limit(), String(128 << 20));
    await assert.rejects(client.updatePodSandboxResources({ podSandboxId: "f00", resources: {} }), { code: GrpcCode.notFound });
    const { linux } = (await client.podSandboxStats({ podSandboxId: id })).stats ?? {};
    assert.equal(linux?.process?.processCount?.value, 2n);
    assert.ok((linux?.memory?.workingSetBytes?.value ?? 0n) > 0n);
    assert.ok((linux?.cpu?.usageCoreNanoSeconds?.value ?? 0n) > 0n);
    assert.equal(linux?.network?.defaultInterface?.name, "eth0");
    assert.deepEqual(
      (await client.listPodSandboxStats({})).stats.map(({ attributes }) => attributes?.id),
      [id],
    );
    const { podMetrics } = await client.listPodSandboxMetrics({});
    assert.ok(podMetrics[0]?.metrics.some(({ name }) => name === "container_network_receive_bytes_total"));
    await client.removePodSandbox({ podSandboxId: id });
    assert.equal(limit(), "");
  });

  test("pods outlive a daemon that is killed, with their addresses", async () => {
    const id = await run("survivor");
    const before = await statusOf(id);
    await daemon.kill9();
    await daemon.launch();
    clients[Symbol.dispose]();
    clients = criClients(daemon.criSocket);
    assert.deepEqual(await statusOf(id), before);
    within(id, "ip", "link", "show", "eth0");
    await clients.runtime().removePodSandbox({ podSandboxId: id });
    assert.deepEqual(traces(), []);
  });

  test("a daemon that is killed at any moment leaves nothing of pods that were not answered for", async (t) => {
    const rounds = Number(process.env["POUCH_POD_KILLS"] ?? 3);
    for (let round = 0; round < rounds; round++) {
      const answered: string[] = [];
      const churn = async (slot: number): Promise<void> => {
        for (let turn = 0; ; turn++) {
          const namespaceOptions = { pid: slot === 0 ? NamespaceMode.POD : NamespaceMode.CONTAINER };
          const pod = config(`churn-${round}-${slot}-${turn}`, { linux: { securityContext: { namespaceOptions } } });
          const { podSandboxId } = await clients.runtime().runPodSandbox({ config: pod });
          answered.push(podSandboxId);
          if (turn % 2 === 0) await clients.runtime().removePodSandbox({ podSandboxId });
        }
      };
      const ends = [churn(0), churn(1)].map((each) => each.catch(() => undefined));
      await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 900));
      await daemon.kill9();
      await Promise.all(ends);
      await daemon.launch();
      clients[Symbol.dispose]();
      clients = criClients(daemon.criSocket);
      for (const { id, metadata } of (await clients.runtime().listPodSandbox({})).items) {
        t.diagnostic(`${metadata?.name} is there${answered.includes(id) ? "" : ", whose answer was lost"}`);
        await clients.runtime().removePodSandbox({ podSandboxId: id });
      }
      await eventually("nothing is left", () => traces().length === 0);
    }
  });

  test("bad input has the codes that clients know, and leaves nothing", async () => {
    const client = clients.runtime();
    const codeOf = async (more: object, runtimeHandler = ""): Promise<number> =>
      await client.runPodSandbox({ config: config("bad", more), runtimeHandler }).then(
        () => GrpcCode.ok,
        ({ code }: { code: number }) => code,
      );
    await assert.rejects(client.runPodSandbox({}), { code: GrpcCode.invalidArgument });
    await assert.rejects(client.runPodSandbox({ config: {} }), { code: GrpcCode.invalidArgument });
    assert.equal(await codeOf({}, "kata"), GrpcCode.invalidArgument);
    assert.equal(await codeOf({ metadata: { name: "", uid: "u", namespace: "n" } }), GrpcCode.invalidArgument);
    assert.equal(await codeOf({ hostname: "not a name" }), GrpcCode.invalidArgument);
    assert.equal(await codeOf({ dnsConfig: { servers: ["two words"] } }), GrpcCode.invalidArgument);
    assert.equal(await codeOf({ portMappings: [{ containerPort: 70_000, hostPort: 80 }] }), GrpcCode.invalidArgument);
    assert.equal(await codeOf({ linux: { sysctls: { "kernel.panic": "1" } } }), GrpcCode.invalidArgument);
    const usernsOptions = { mode: NamespaceMode.POD, uids: [{ hostId: 100_000, containerId: 0, length: 65_536 }] };
    assert.equal(await codeOf({ linux: { securityContext: { namespaceOptions: { usernsOptions } } } }), GrpcCode.unimplemented);
    const twice = config("twice", {});
    const { podSandboxId } = await client.runPodSandbox({ config: twice });
    await assert.rejects(client.runPodSandbox({ config: twice }), { code: GrpcCode.alreadyExists });
    await client.removePodSandbox({ podSandboxId });
    await client.removePodSandbox({ podSandboxId: "f00" });
    assert.deepEqual(traces(), []);
  });

  test("a network that is missing or hangs fails the run, is told by the status, and leaves nothing", async (t) => {
    const client = clients.runtime();
    const file = join(daemon.podNetwork.folder, "10-pods.conflist");
    const list = readFileSync(file, "utf8");
    t.after(() => writeFileSync(file, list));
    const networkReady = async () => (await client.status({})).status?.conditions.find(({ type }) => type === "NetworkReady");
    assert.equal((await networkReady())?.status, true);
    rmSync(file);
    assert.deepEqual([(await networkReady())?.status, (await networkReady())?.reason], [false, "NetworkPluginNotReady"]);
    await assert.rejects(run("none"), { code: GrpcCode.unavailable });
    const stop = new AbortController();
    // It is asked for an address by the bridge, and waits for a server that is none.
    const hanging = JSON.parse(list) as { plugins: { ipam?: object }[] };
    hanging.plugins = [{ ...hanging.plugins[0], ipam: { type: "dhcp", daemonSocketPath: join(daemon.directory, "nobody") } }];
    writeFileSync(file, JSON.stringify(hanging));
    await assert.rejects(client.runPodSandbox({ config: config("hangs", {}) }, { signal: stop.signal, timeoutMs: 20_000 }));
    writeFileSync(file, list);
    stop.abort();
    const cancel = new AbortController();
    const cancelled = client.runPodSandbox({ config: config("cancelled", {}) }, { signal: cancel.signal });
    setTimeout(() => cancel.abort(), 30);
    await cancelled.catch(() => undefined);
    await eventually(
      "what was cancelled is gone",
      async () => {
        for (const { id } of (await client.listPodSandbox({})).items) await client.removePodSandbox({ podSandboxId: id });
        return traces().length === 0;
      },
      60,
    );
  });

  test("plugins shape a pod and its network before they are made, which can be read afterwards", async (t) => {
    const folder = join(daemon.directory, "pod-policy");
    mkdirSync(folder);
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({
        name: "pod-policy",
        version: "1.0.0",
        type: "module",
        exports: "./index.js",
        pouch: { api: "^1.1.0", points: ["cri.preRunPodSandbox", "container.preCreateEndpoint"] },
      }),
    );
    writeFileSync(
      join(folder, "index.js"),
      `import { forbidden, registerContainerPlugin, registerCriPlugin } from "@pouchcontainer/plugin-sdk";
registerCriPlugin({
  preRunPodSandbox(config, request) {
    if (config.labels?.app === "refused") throw forbidden("no pods of that name");
    config.annotations = { ...config.annotations, handler: request.runtimeHandler ?? "" };
    config.linux.sysctls = { "net.ipv4.ip_unprivileged_port_start": "0" };
  },
});
registerContainerPlugin({
  preCreateEndpoint(id, env, endpoint) {
    if (endpoint.driver === "cni") endpoint.dns = ["192.0.2.53"];
  },
});
`,
    );
    const installed = await daemon.api("POST", "/plugins/install", { source: folder });
    assert.equal(installed.status, 200, installed.text);
    t.after(() => daemon.api("DELETE", "/plugins/pod-policy?force=1"));
    const id = await run("shaped");
    assert.equal((await statusOf(id))?.annotations["handler"], "");
    assert.equal(within(id, "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start").trim(), "0");
    assert.equal(readFileSync(join(daemon.homeDirectory, "pods", id, "resolv.conf"), "utf8"), "nameserver 192.0.2.53\n");
    const { info } = await clients.runtime().podSandboxStatus({ podSandboxId: id, verbose: true });
    const { pluginCalls } = JSON.parse(info["info"] ?? "") as { pluginCalls: { point: string; patch: { path: string }[] }[] };
    assert.deepEqual(
      pluginCalls.map(({ point }) => point),
      ["cri.preRunPodSandbox", "container.preCreateEndpoint"],
    );
    const trace = await daemon.pouch("plugin", "trace", id.slice(0, 12));
    assert.match(trace.stdout, /cri\.preRunPodSandbox/);
    await assert.rejects(run("refused"), { code: GrpcCode.permissionDenied, message: /no pods of that name/ });
    await clients.runtime().removePodSandbox({ podSandboxId: id });
    assert.deepEqual(traces(), []);
  });
});
