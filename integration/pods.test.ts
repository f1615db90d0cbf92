import type { PodRecord } from "@pouchcontainer/engine";
import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PodsWorld } from "./pods-world.ts";
import { sendSignal } from "./harness/send-signal.ts";

/** CAP_SYS_RESOURCE, number 24. */
function mayLowerScores(): boolean {
  const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> 24n) & 1n) === 1n;
}

async function openWorld(t: TestContext, settings: { cniTimeoutMs?: number } = {}): Promise<PodsWorld> {
  const world = new PodsWorld(mkdtempSync(join(tmpdir(), "pouch-pods-")), randomBytes(3).toString("hex"));
  world.configureNetwork();
  await world.open(settings);
  t.after(async () => assert.deepEqual(await world.destroy(), []));
  return world;
}

/** A service in the pod that greets whoever connects. */
function serve(t: TestContext, world: PodsWorld, { id }: PodRecord, port: number, text: string): void {
  const pin = join(world.root, "exec/pods", id, "net");
  const command = ["busybox", "nc", "-ll", "-p", String(port), "-e", "echo", text];
  const server = spawn("nsenter", [`--net=${pin}`, ...command], { stdio: "ignore" });
  server.on("error", (error) => assert.fail(error));
  t.after(() => server.kill("SIGKILL"));
}

/** What a client on the host hears; tried again until the service listens. */
async function hear(address: string, port: number): Promise<string> {
  for (let tries = 0; tries < 400; tries++) {
    const heard = await new Promise<string>((resolve) => {
      let text = "";
      const client = connect({ host: address, port, timeout: 1000 });
      client.on("data", (data) => (text += data.toString("utf8")));
      client.on("error", () => resolve(""));
      client.on("timeout", () => client.destroy());
      client.on("close", () => resolve(text.trim()));
    });
    if (heard !== "") return heard;
    await sleep(50);
  }
  return "";
}

test("two pods reach each other, a host port leads into one, and both families have an address", async (t) => {
  const world = await openWorld(t);
  const ports = [{ protocol: "tcp" as const, containerPort: 80, hostPort: 18_790, hostIp: "" }];
  const annotations = { "kubernetes.io/ingress-bandwidth": "8M", "kubernetes.io/egress-bandwidth": "4M" };
  const [web, asks] = await Promise.all([
    world.pods.run(world.config("web", { ports, annotations })),
    world.pods.run(world.config("asks")),
  ]);
  const { prefix, prefix6 } = world.subnet;
  assert.match(web.ips.join(" "), new RegExp(`^${prefix}\\d+ ${prefix6}[0-9a-f]+$`));
  for (const address of web.ips) world.within(asks, ["net"], "busybox", "ping", "-c", "1", "-W", "5", address);
  serve(t, world, web, 80, "from-web");
  assert.equal(await hear(web.ips[0] ?? "", 80), "from-web");
  assert.equal(await hear("127.0.0.1", 18_790), "from-web");
  assert.match(world.within(web, ["net"], "ip", "-br", "address", "show", "lo"), /UNKNOWN/);
  await world.pods.remove(web.id);
  assert.deepEqual(await world.leftovers([asks]), []);
  assert.equal(
    isKind(
      await Promise.resolve()
        .then(() => world.pods.get(web.id))
        .catch((error: unknown) => error),
      "notFound",
    ),
    true,
  );
  await world.pods.remove(web.id);
});

test("names, ipc, shared memory, sysctls and files are the pod's own", async (t) => {
  const world = await openWorld(t);
  const pod = await world.pods.run(
    world.config("own", {
      domainname: "pods.example",
      sysctls: { "net.ipv4.ip_unprivileged_port_start": "0", "kernel.shmmni": "777", "fs.mqueue.msg_max": "20" },
      dns: { servers: ["192.0.2.53"], searches: ["svc.example"], options: ["ndots:5"] },
      shmSizeBytes: 1 << 20,
    }),
  );
  const read = (...files: string[]): string =>
    world.within(pod, ["net", "ipc", "uts"], "cat", ...files.map((file) => `/proc/sys/${file}`));
  assert.equal(read("kernel/hostname", "kernel/domainname"), "own\npods.example\n");
  assert.equal(
    read("net/ipv4/ip_unprivileged_port_start", "kernel/shmmni", "fs/mqueue/msg_max").replace(/\s+/g, " "),
    "0 777 20 ",
  );
  assert.notEqual(readFileSync("/proc/sys/kernel/shmmni", "utf8").trim(), "777");
  assert.notEqual(readFileSync("/proc/sys/kernel/hostname", "utf8").trim(), "own");
  assert.equal(world.file(pod, "hostname"), "own\n");
  assert.equal(world.file(pod, "resolv.conf"), "nameserver 192.0.2.53\nsearch svc.example\noptions ndots:5\n");
  const { shmPath, namespaces } = world.pods.membershipOf(pod.id, { logPath: "/log" });
  assert.match(
    readFileSync("/proc/self/mountinfo", "utf8"),
    new RegExp(`${shmPath} rw,nosuid,nodev,noexec.* - tmpfs shm rw,size=1024k`),
  );
  assert.equal(namespaces.pid, "own");
  await assert.rejects(world.pods.run(world.config("wrong", { sysctls: { "net.ipv4.nothing": "1" } })), (error: unknown) =>
    isKind(error, "invalidArgument"),
  );
  assert.deepEqual(await world.leftovers([pod]), []);
});

test("a pod that shares its pid namespace has a first process, confined, that reaps orphans and outlives the daemon", async (t) => {
  const world = await openWorld(t);
  const pod = await world.pods.run(world.config("shared", { namespaces: { network: "pod", ipc: "pod", pid: "pod" } }));
  const pid = pod.init?.pid ?? 0;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.match(status, /^Uid:\t65535\t/m);
  assert.match(readFileSync(`/proc/${pid}/cgroup`, "utf8"), new RegExp(`/pouch-${world.tag}/shared/pod-${pod.id}`));
  assert.ok(!existsSync(`/proc/${pid}/root/etc`));
  const own = readFileSync("/proc/self/oom_score_adj", "utf8").trim();
  assert.equal(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8").trim(), mayLowerScores() ? "-998" : own);
  world.within(pod, ["pid"], "sh", "-c", "(sleep 0.1 &) ; exit 0");
  // Its own child, and nothing that was left to it.
  const children = (): number => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").length;
  for (let look = 0; look < 100 && children() > 1; look++) await sleep(50);
  assert.equal(children(), 1);

  await world.reopen();
  assert.equal(world.pods.get(pod.id).state, "ready");
  sendSignal(pid, "SIGKILL");
  await sleep(200);
  await world.reopen();
  assert.equal(world.pods.get(pod.id).state, "notReady");
  await world.pods.stop(pod.id);
  await world.pods.stop(pod.id);
  assert.deepEqual(world.asked, [`stop ${pod.id}`, `stop ${pod.id}`]);
});

test("pods of the host's network have no namespace of it, no address, and its name", async (t) => {
  const world = await openWorld(t);
  const pod = await world.pods.run(
    world.config("host", { hostname: "", namespaces: { network: "node", ipc: "node", pid: "node" } }),
  );
  assert.deepEqual(world.pods.membershipOf(pod.id, { logPath: "" }).namespaces, {
    network: "host",
    ipc: "host",
    uts: "host",
    pid: "host",
  });
  assert.deepEqual([pod.ips, pod.network], [[], undefined]);
  assert.equal(world.file(pod, "hostname").trim(), readFileSync("/proc/sys/kernel/hostname", "utf8").trim());
});

test("a plugin that is missing, fails, prints garbage or hangs ends the run in time and leaves nothing", async (t) => {
  const world = await openWorld(t, { cniTimeoutMs: 6_000 });
  world.addPlugin("fails", `[ "$CNI_COMMAND" = DEL ] && exit 0; echo '{"code":7,"msg":"will not"}'; exit 1`);
  world.addPlugin("babbles", `[ "$CNI_COMMAND" = DEL ] && exit 0; echo 'what?'`);
  world.addPlugin("confuses", `[ "$CNI_COMMAND" = DEL ] && exit 0; echo '{"ips":"none"}'`);
  world.addPlugin("hangs", `[ "$CNI_COMMAND" = DEL ] && exit 0; sleep 600`);
  world.addPlugin("hides", `[ "$CNI_COMMAND" = DEL ] && exit 0; echo '{"cniVersion":"1.0.0"}'`);
  for (const [type, message] of [
    ["missing-plugin", /missing-plugin/],
    ["fails", /will not/],
    ["babbles", /no result/],
    ["confuses", /something else than a result/],
    ["hangs", /did not end within/],
    ["hides", /no address/],
  ] as const) {
    world.configureNetwork([{ type }]);
    const began = performance.now();
    await assert.rejects(world.pods.run(world.config(type)), message);
    assert.ok(performance.now() - began < 30_000, type);
    assert.deepEqual(await world.leftovers(), [], type);
    assert.equal(world.pods.networkStatus().ready, type !== "missing-plugin");
  }
  rmSync(join(world.root, "cni/10-pods.conflist"));
  assert.match(world.pods.networkStatus().message, /cni plugin not initialized/);
  await assert.rejects(world.pods.run(world.config("none")), (error: unknown) => isKind(error, "unavailable"));
  // The folder is read anew each time.
  world.configureNetwork();
  assert.deepEqual(world.pods.networkStatus(), { ready: true, reason: "", message: "" });
  await world.pods.run(world.config("fails"));
});

test("a DEL that fails is asked for again, of the configuration the pod was made with", async (t) => {
  const world = await openWorld(t);
  const refuses = join(world.root, "refuses");
  world.addPlugin("stubborn", `[ "$CNI_COMMAND" = ADD ] && exec cat "${world.root}/answer"\n[ ! -e "${refuses}" ]`);
  world.configureNetwork([{ type: "stubborn" }]);
  writeFileSync(
    join(world.root, "answer"),
    JSON.stringify({
      cniVersion: "1.0.0",
      interfaces: [{ name: "eth0", sandbox: "x" }],
      ips: [{ address: "192.0.2.7/24", interface: 0 }],
    }),
  );
  const pod = await world.pods.run(world.config("kept"));
  writeFileSync(refuses, "");
  world.configureNetwork();
  await assert.rejects(world.pods.stop(pod.id), /stubborn/);
  assert.equal(world.pods.get(pod.id).state, "notReady");
  await world.reopen();
  await assert.rejects(world.pods.remove(pod.id), /stubborn/);
  rmSync(refuses);
  await world.pods.remove(pod.id);
  assert.deepEqual(await world.leftovers(), []);
});

test("what a run that failed cannot give back at once is given back whole, rules of its address included", async (t) => {
  const world = await openWorld(t);
  const busy = join(world.root, "busy");
  writeFileSync(busy, "");
  world.addPlugin("refuses", `[ "$CNI_COMMAND" = DEL ]`);
  // The one that learns from the namespace which rules it made.
  world.addPlugin("bridge", `[ "$CNI_COMMAND" = DEL ] && [ -e "${busy}" ] && exit 1; exec /usr/lib/cni/bridge`);
  world.configureNetwork([{ type: "refuses" }]);
  await assert.rejects(world.pods.run(world.config("never")), /refuses/);
  rmSync(busy);
  assert.equal(readdirSync(join(world.root, "exec/pods")).length, 1);
  await world.reopen();
  assert.deepEqual(await world.leftovers(), []);
});

test("names are reserved while a pod is there, and a reboot leaves pods that are not ready", async (t) => {
  const world = await openWorld(t);
  const pod = await world.pods.run(world.config("once"));
  await assert.rejects(world.pods.run(world.config("once")), (error: unknown) => isKind(error, "alreadyExists"));
  await world.reopen();
  assert.equal(world.pods.get(pod.id.slice(0, 12)).state, "ready");
  await assert.rejects(world.pods.run(world.config("once")), (error: unknown) => isKind(error, "alreadyExists"));
  world.boot = "of another time";
  await world.reopen();
  assert.equal(world.pods.get(pod.id).state, "notReady");
  assert.throws(
    () => world.pods.membershipOf(pod.id, { logPath: "" }),
    (error: unknown) => isKind(error, "failedPrecondition"),
  );
  await world.pods.stop(pod.id);
  await world.pods.remove(pod.id);
  assert.deepEqual(await world.leftovers(), []);
  await world.pods.run(world.config("once"));
});

test("what is left of pods nobody knows goes with the next start", async (t) => {
  const world = await openWorld(t);
  const pod = await world.pods.run(world.config("known"));
  const stray = "f".repeat(64);
  mkdirSync(join(world.root, "home/pods", stray));
  mkdirSync(join(world.root, "exec/pods", stray));
  writeFileSync(join(world.root, "exec/pods", stray, "net"), "");
  writeFileSync(join(world.root, "ipam", `net-${world.tag}`, `${world.subnet.prefix}77`), `${stray}\r\neth0`);
  await world.reopen();
  assert.deepEqual(await world.leftovers([pod]), []);
});

test("limits go into the group that is the pod's own, and are remembered", async (t) => {
  const world = await openWorld(t);
  const pod = await world.pods.run(world.config("limited", { resources: { memoryLimitBytes: 64 << 20, cpuShares: 200 } }));
  const v1 = existsSync("/sys/fs/cgroup/memory");
  const [memory, cpu, weight] = v1 ? ["memory.limit_in_bytes", "cpu.shares", "200"] : ["memory.max", "cpu.weight", "8"];
  const read = (file: string): string => {
    const [controller = ""] = file.split(".");
    const group = join("/sys/fs/cgroup", v1 ? controller : "", `pouch-${world.tag}/limited`);
    return readFileSync(join(group, file), "utf8").trim();
  };
  assert.deepEqual([read(memory), read(cpu)], [String(64 << 20), weight]);
  await world.pods.updateResources(pod.id, { resources: { memoryLimitBytes: 128 << 20 } });
  assert.equal(read(memory), String(128 << 20));
  assert.deepEqual(world.pods.get(pod.id).config.resources, { memoryLimitBytes: 128 << 20 });
});

/** A daemon over the world's folder that makes pods without end, and is killed after that time. */
async function killAfter(world: PodsWorld, milliseconds: number): Promise<void> {
  const program = join(import.meta.dirname, "pods-victim.ts");
  const options = ["--experimental-ffi", "--disable-warning=ExperimentalWarning"];
  const victim = spawn(process.execPath, [...options, program, world.root, world.tag], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise((resolve) => victim.once("exit", resolve));
  try {
    await new Promise<void>((resolve, reject) => {
      victim.on("error", reject);
      victim.once("exit", () => reject(new Error("the victim ended by itself")));
      victim.stdout.once("data", () => resolve());
    });
    await sleep(milliseconds);
  } finally {
    victim.kill("SIGKILL");
    await gone;
  }
}

const rounds = Number(process.env["POUCH_POD_KILLS"] ?? 4);

test("a kill -9 at any point leaves nothing after the next start", { timeout: 600_000 }, async (t) => {
  const world = await openWorld(t);
  // The plugin's own chain for it cannot be deleted any more when its DEL is killed between the chain and the rule (1.1.1).
  world.configureNetwork([], { ipMasq: false });
  for (let round = 0; round < rounds; round++) {
    await world.shut();
    await killAfter(world, Math.random() * 700);
    await world.open();
    await world.resumed();
    const known = world.pods.list();
    assert.deepEqual(await world.leftovers(known), [], `round ${round}: ${world.warnings.join("\n")}`);
    for (const pod of known.filter(({ state }) => state === "ready")) world.within(pod, ["net", "ipc", "uts"], "true");
    if (round % 4 === 3) for (const { id } of known) await world.pods.remove(id);
  }
});
