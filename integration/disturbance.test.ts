/**
 * Every endpoint that streams, or waits for long, is left in every way a client, a source or a container can leave it: at random
 * points, many at a time. Afterwards the daemon answers, has logged no error (the harness looks), and holds not one descriptor,
 * child, mount or lease more than before.
 *
 * POUCH_TEST_SEED replays a run; POUCH_TEST_POINTS (default 20) is the number of points for each pair, 200 make a long run of it.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { createServer, connect, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connectContainerd } from "@pouchcontainer/containerd";
import { Daemon, eventually, run } from "./harness/daemon.ts";
import { makeLayeredArchive } from "./harness/layered-image.ts";
import { Random } from "./harness/random.ts";
import { RawClient, rawRequest, type RawRequest } from "./harness/raw-client.ts";
import { Registry } from "./harness/registry.ts";
import { parentOf } from "./soak/machine-state.ts";

const points = Number(process.env["POUCH_TEST_POINTS"] ?? 20);
/** For what reads every answer to its end, which takes its time. */
const fewPoints = Math.ceil(points / 4);
const sideBySide = 12;
/** Containers at a time, each with all that can be done with one at once. */
const containersSideBySide = 4;
/** After this long without a byte a client has seen what there is to see. */
const patienceMs = 120;

const random = Random.fromEnvironment();
let daemon: Daemon;
let registry: Registry;
let proxy: BreakingProxy;
/** An archive of an image of three layers, and a tar with a file of 1 MB. */
let imageArchive: Buffer;
let fileArchive: Buffer;
let atRest: Holdings;

/** Stands between the daemon and a registry, and breaks every connection after some of the registry's bytes. */
class BreakingProxy {
  readonly #server: Server;
  bytesUntilBreak = Infinity;

  constructor(target: number) {
    this.#server = createServer((client) => {
      const upstream = connect({ host: "127.0.0.1", port: target });
      let left = this.bytesUntilBreak;
      client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
      upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
      client.on("data", (chunk) => upstream.write(chunk));
      upstream.on("data", (chunk: Buffer) => {
        client.write(chunk.subarray(0, left));
        left -= chunk.length;
        if (left <= 0) client.destroy();
      });
    }).listen(0, "127.0.0.1");
  }

  get host(): string {
    // Listening on a port.
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }
}

/** What a daemon holds of the machine. */
interface Holdings {
  descriptors: string[];
  children: string[];
  mounts: number;
  leases: number;
}

async function holdings(): Promise<Holdings> {
  const descriptors = readdirSync(`/proc/${daemon.pid}/fd`).flatMap((fd) => targetOf(`/proc/${daemon.pid}/fd/${fd}`));
  const children = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && parentOf(Number(pid)) === daemon.pid);
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const containerd = connectContainerd({ address: join(daemon.execRoot, "containerd.sock"), namespace: "pouch" });
  const leases = await containerd.leases.list();
  await containerd.close();
  return {
    descriptors: descriptors.toSorted(),
    children: children.flatMap(nameOf).toSorted(),
    mounts: mounts.filter((line) => line.includes(daemon.directory)).length,
    leases: leases.length,
  };
}

/** Another test's client or a log may come and go; what is compared are the kinds of things. */
function targetOf(link: string): string[] {
  try {
    return [readlinkSync(link).replace(/\d+/g, "N")];
  } catch {
    return [];
  }
}

function nameOf(pid: string): string[] {
  try {
    return [readFileSync(`/proc/${pid}/comm`, "utf8").trim()];
  } catch {
    return [];
  }
}

function residentMegabytes(): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1]) / 1024;
}

interface Endpoint {
  /** Makes a request that is right. */
  request: () => Promise<RawRequest> | RawRequest;
  /** Of a whole answer, about: how far a client may read before it goes away. */
  answerBytes: number;
  /** What is typed where the connection was taken over. */
  typedBytes?: number;
  /** Whether the answer ends by itself. */
  finite?: boolean;
}

const chatter =
  "trap 'exit 0' TERM; dd if=/dev/zero of=/big bs=64k count=16 2>/dev/null; while :; do echo line; echo error >&2; sleep 0.05; done";
const hijacked = { upgrade: true };

async function created(path: string, body: unknown): Promise<string> {
  const answer = await daemon.api("POST", path, body);
  assert.equal(answer.status, 201, answer.text);
  return answer.json<{ Id: string }>().Id;
}

async function startContainer(name: string, config: object): Promise<string> {
  const id = await created(`/containers/create?name=${name}`, { Image: "busybox", ...config });
  const answer = await daemon.api("POST", `/containers/${id}/start`);
  assert.equal(answer.status, 204, answer.text);
  return id;
}

/** A start of an exec that was made for it. */
async function execStart(container: string, Cmd: string[], AttachStdin: boolean): Promise<RawRequest> {
  const answer = await daemon.api("POST", `/containers/${container}/exec`, {
    Cmd,
    AttachStdin,
    AttachStdout: true,
    AttachStderr: true,
  });
  // A container that is gone has no exec; its start is then one that fails.
  const id = answer.status === 201 ? answer.json<{ Id: string }>().Id : "none";
  return rawRequest("POST", `/exec/${id}/start`, { Detach: false, Tty: false }, hijacked);
}

/** What a client can do with a running container called so, for as long as that takes. */
function containerEndpoints(name: string): Record<string, Endpoint> {
  const at = (action: string): string => `/containers/${name}/${action}`;
  const get = (path: string, answerBytes: number, finite = true): Endpoint => ({
    request: () => rawRequest("GET", path),
    answerBytes,
    finite,
  });
  return {
    "attach, upgraded": {
      request: () => rawRequest("POST", at("attach?stream=1&stdin=1&stdout=1&stderr=1"), undefined, hijacked),
      answerBytes: 1000,
      typedBytes: 100_000,
    },
    "attach, the older way": {
      request: () => rawRequest("POST", at("attach?stream=1&stdin=1&stdout=1&stderr=1&logs=1")),
      answerBytes: 1000,
      typedBytes: 100_000,
    },
    "exec with input": { request: () => execStart(name, ["cat"], true), answerBytes: 100_000, typedBytes: 100_000 },
    "exec with output": {
      request: () => execStart(name, ["dd", "if=/dev/zero", "bs=64k", "count=16"], false),
      answerBytes: 1_050_000,
      finite: true,
    },
    "logs, followed": get(at("logs?stdout=1&stderr=1&follow=1"), 2000, false),
    stats: get(at("stats?stream=1"), 5000, false),
    "one sample of stats": get(at("stats?stream=0&one-shot=1"), 2000),
    "wait for the exit": { request: () => rawRequest("POST", at("wait?condition=next-exit")), answerBytes: 100 },
    top: get(at("top"), 500),
    "archive of a running container": get(at("archive?path=/big"), 1_060_000),
    "archive into a running container": {
      request: () => rawRequest("PUT", at("archive?path=/tmp"), fileArchive),
      answerBytes: 200,
      finite: true,
    },
    "export of a running container": get(at("export"), 3_000_000),
    changes: get(at("changes"), 200),
    inspect: get(at("json?size=1"), 5000),
    "update, with a body": {
      request: () => rawRequest("POST", at("update"), { CpuShares: 512 }),
      answerBytes: 200,
      finite: true,
    },
  };
}

function endpoints(): Record<string, Endpoint> {
  const get = (path: string, answerBytes: number, finite = true): Endpoint => ({
    request: () => rawRequest("GET", path),
    answerBytes,
    finite,
  });
  const pulled = `${registry.host}/disturbed`;
  return {
    ...containerEndpoints("talker"),
    "logs of an ended container": get("/containers/history/logs?stdout=1&stderr=1", 270_000),
    "archive of a stopped container": get("/containers/history/archive?path=/big", 1_060_000),
    "archive into a stopped container": {
      request: () => rawRequest("PUT", "/containers/history/archive?path=/tmp", fileArchive),
      answerBytes: 200,
      finite: true,
    },
    "export of a stopped container": get("/containers/history/export", 3_000_000),
    "attach to what neither reads nor writes": {
      request: () => rawRequest("POST", "/containers/silent/attach?stream=1&stdin=1&stdout=1", undefined, hijacked),
      answerBytes: 300,
      typedBytes: 3_000_000,
    },
    events: get("/events?since=1", 5000, false),
    save: get("/images/loaded:1/get", 950_000),
    "backup of the store": get("/system/backup", 20_000),
    "save of several": get("/images/get?names=loaded:1&names=busybox", 3_000_000),
    load: { request: () => rawRequest("POST", "/images/load", imageArchive), answerBytes: 300, finite: true },
    pull: {
      request: async () => {
        await daemon.api("DELETE", `/images/${pulled}:1?force=1`);
        return rawRequest("POST", `/images/create?fromImage=${encodeURIComponent(pulled)}&tag=1`);
      },
      answerBytes: 3000,
      finite: true,
    },
    push: { request: () => pushed(registry.host), answerBytes: 1000, finite: true },
    "create, with a body": {
      request: () => rawRequest("POST", "/containers/create", { Image: "busybox", Cmd: ["true"] }),
      answerBytes: 300,
      finite: true,
    },
    "a plugin's stream": get("/disturbed/stream", 2_000_000),
    "attach through a plugin": {
      request: () => rawRequest("POST", "/disturbed/talker/attach?stream=1&stdin=1&stdout=1", undefined, hijacked),
      answerBytes: 1000,
      typedBytes: 100_000,
    },
    "a plugin's echo": {
      request: () => rawRequest("POST", "/disturbed/echo", fileArchive),
      answerBytes: 1_060_000,
      finite: true,
    },
    "a route that a plugin wraps": get("/version", 500),
    "a plugin's log, followed": get("/plugins/disturbed/logs?follow=1", 1000, false),
    "disk usage": get("/system/df", 3000),
  };
}

/** To a repository of its own. */
async function pushed(host: string): Promise<RawRequest> {
  const name = `${host}/pushed-${(pushes += 1)}`;
  await daemon.api("POST", `/images/loaded:1/tag?repo=${encodeURIComponent(name)}&tag=1`);
  return rawRequest("POST", `/images/${name}/push?tag=1`);
}

let pushes = 0;

const plugin = {
  "package.json": JSON.stringify({
    name: "disturbed",
    version: "1.0.0",
    type: "module",
    exports: "./index.js",
    dependencies: { "@pouchcontainer/plugin-sdk": "*" },
    pouch: { api: "^1.0.0", points: ["api.updateHandler"] },
  }),
  "index.js": `
import { registerApiPlugin } from "@pouchcontainer/plugin-sdk";
import { pipeline } from "node:stream";
async function* chunks() {
  for (let i = 0; i < 32; i++) {
    yield Buffer.alloc(64 * 1024);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  console.log("streamed");
}
registerApiPlugin({
  updateHandler: (handlers) => [
    ...handlers.map((spec) => spec.method === "GET" && spec.path === "/version"
      ? { ...spec, handler: (request, response, params) => spec.handler(request, response, params) } : spec),
    { method: "GET", path: "/disturbed/stream", handler: (_request, response) => { pipeline(chunks(), response, () => undefined); } },
    { method: "POST", path: "/disturbed/{name}/attach", handler: handlers.find(({ path }) => path === "/containers/{id}/attach").handler },
    { method: "POST", path: "/disturbed/echo", handler: (request, response) => { pipeline(request, response, () => undefined); } },
  ],
});
`,
};

before(async () => {
  console.log(`disturbance: POUCH_TEST_SEED=${random.seed}`);
  [daemon, registry] = await Promise.all([Daemon.start(), Registry.start()]);
  const archive = join(daemon.directory, "loaded.tar");
  makeLayeredArchive(archive, { name: "loaded:1", layers: 3, bytesPerLayer: 300_000 });
  imageArchive = readFileSync(archive);
  await daemon.load(archive);
  const remote = join(daemon.directory, "remote.tar");
  makeLayeredArchive(remote, { name: "remote:1", layers: 3, bytesPerLayer: 200_000 });
  const copied = await run("skopeo", [
    "copy",
    "--insecure-policy",
    "--dest-tls-verify=false",
    `docker-archive:${remote}`,
    `docker://${registry.host}/disturbed:1`,
  ]);
  assert.equal(copied.code, 0, copied.stderr);
  proxy = new BreakingProxy(registry.port);
  writeFileSync(join(daemon.directory, "content"), Buffer.alloc(1_000_000, "content of a file "));
  fileArchive = await tarOf("content");
  const folder = join(daemon.directory, "plugin");
  mkdirSync(folder);
  for (const [name, text] of Object.entries(plugin)) writeFileSync(join(folder, name), text);
  const installed = await daemon.api("POST", "/plugins/install", { source: folder });
  assert.equal(installed.status, 200, installed.text);
  await startContainer("talker", { OpenStdin: true, Cmd: ["sh", "-c", chatter] });
  await startContainer("history", { Cmd: ["sh", "-c", "dd if=/dev/zero of=/big bs=64k count=16; seq 1 20000"] });
  await daemon.api("POST", "/containers/history/wait");
  await startContainer("silent", { OpenStdin: true, Cmd: ["sleep", "3600"] });
});

after(async () => {
  proxy.close();
  await registry[Symbol.asyncDispose]();
  await daemon[Symbol.asyncDispose]();
});

async function tarOf(name: string): Promise<Buffer> {
  const file = join(daemon.directory, `${name}.tar`);
  const packed = await run("tar", ["-C", daemon.directory, "-cf", file, name]);
  assert.equal(packed.code, 0, packed.stderr);
  return readFileSync(file);
}

/** Does the work at each of the points for each of the endpoints, many side by side, in an order that mixes them. */
async function disturb(
  what: string,
  table: Record<string, Endpoint>,
  work: (client: RawClient, endpoint: Endpoint, random: Random) => Promise<void>,
  each = points,
): Promise<void> {
  const own = random.for(what);
  const jobs = Object.entries(table).flatMap(([name, endpoint]) =>
    Array.from({ length: each }, (_, point) => ({
      name,
      endpoint,
      order: own.below(2 ** 30),
      random: random.for(`${what} ${name} ${point}`),
    })),
  );
  jobs.sort((a, b) => a.order - b.order);
  await sideByside(jobs, async ({ endpoint, random }) => {
    const client = new RawClient(daemon.socket);
    try {
      await work(client, endpoint, random);
    } finally {
      client.hangUp();
    }
  });
  await assertWell();
}

async function sideByside<Job>(jobs: Job[], work: (job: Job) => Promise<void>, workers = sideBySide): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) await work(job);
  };
  await Promise.all(Array.from({ length: workers }, worker));
}

async function assertWell(): Promise<void> {
  assert.equal((await daemon.api("GET", "/_ping")).status, 200);
  assert.equal(await daemon.uncaughtErrors(), 0, `uncaught errors; the log ends:\n${daemon.log.slice(-3000)}`);
}

function type(client: RawClient, { typedBytes = 0 }: Endpoint, random: Random): void {
  if (typedBytes > 0) client.write(Buffer.alloc(random.below(typedBytes), "typed\n"));
}

test("undisturbed, each of them answers", async () => {
  for (const [name, endpoint] of Object.entries(endpoints())) {
    const client = new RawClient(daemon.socket);
    client.send(await endpoint.request());
    if (endpoint.finite === true) await eventually(`the answer of ${name} ends`, () => client.ended);
    else await eventually(`${name} begins its answer`, () => client.start !== "", 30);
    // A wait answers with its head at once, which may be all for long.
    assert.match(client.start, /^HTTP\/1\.1 (101|200|201)/, name);
    client.hangUp();
  }
  await eventually("all of it is done", async () => isAtRest((atRest = await holdings())));
});

test("the client goes away while it reads", async () => {
  await disturb("reading", endpoints(), async (client, endpoint, random) => {
    client.send(await endpoint.request());
    type(client, endpoint, random);
    await client.read(random.below(endpoint.answerBytes), patienceMs);
  });
});

test("the client goes away while it sends", async () => {
  await disturb("sending", endpoints(), async (client, endpoint, random) => {
    const request = await endpoint.request();
    const whole = request.head.length + request.body.length;
    // Half of the time in the head, where the request is not even one.
    await client.sendPart(request, random.below(random.below(2) === 0 ? request.head.length : whole + 1));
    await sleep(random.below(20));
  });
});

test("a client that stops after the first bytes of what it sends holds up nobody", async () => {
  for (const endpoint of Object.values(endpoints())) {
    const request = await endpoint.request();
    for (const bytes of [1, 2, 5, 6, 100, 513]) {
      if (request.body.length <= bytes) continue;
      const client = new RawClient(daemon.socket);
      await client.sendPart(request, request.head.length + bytes);
      await sleep(10);
      await Promise.race([
        assertWell(),
        sleep(20_000, undefined, { ref: false }).then(() => assert.fail(`${request.head.split("\r\n", 1)[0]}, ${bytes} bytes`)),
      ]);
      client.hangUp();
    }
  }
});

test("a client that ends its side first gets its whole answer", async () => {
  await disturb(
    "half-close",
    endpoints(),
    async (client, endpoint, random) => {
      client.send(await endpoint.request());
      type(client, endpoint, random);
      client.endSending();
      if (endpoint.finite !== true) return client.read(random.below(endpoint.answerBytes), patienceMs);
      await eventually("the answer ends", () => client.ended, 60);
      assert.match(client.start, /^HTTP\/1\.1 (101|200|201|404)/);
    },
    fewPoints,
  );
});

test("the client reads slowly, and then no more", async () => {
  await disturb(
    "slowly",
    endpoints(),
    async (client, endpoint, random) => {
      client.send(await endpoint.request());
      type(client, endpoint, random);
      await client.read(random.below(endpoint.answerBytes), patienceMs);
      client.pause();
      await sleep(random.below(200));
      if (random.below(2) === 0) {
        client.resume();
        await client.read(endpoint.answerBytes, patienceMs);
      }
    },
    fewPoints,
  );
});

test("the source breaks: a registry in the middle of an answer, an archive that is cut or has a wrong byte", async () => {
  const own = random.for("sources");
  const load = (archive: Buffer): RawRequest => rawRequest("POST", "/images/load", archive);
  const put = (archive: Buffer): RawRequest => rawRequest("PUT", "/containers/history/archive?path=/tmp", archive);
  const inAllForms = async (plain: Buffer): Promise<Buffer[]> => [
    plain,
    ...(await Promise.all(["gzip", "zstd", "bzip2", "xz"].map((program) => compressed(program, plain)))),
  ];
  const archives = [
    ...(await inAllForms(imageArchive)).map((whole) => ({ whole, request: load })),
    ...(await inAllForms(fileArchive)).map((whole) => ({ whole, request: put })),
  ];
  const pulled = `${proxy.host}/disturbed`;
  const makers = [
    ...archives.map(
      ({ whole, request }) =>
        () =>
          request(broken(whole, own)),
    ),
    async (): Promise<RawRequest> => {
      await daemon.api("DELETE", `/images/${pulled}:1?force=1`);
      proxy.bytesUntilBreak = own.below(700_000);
      return rawRequest("POST", `/images/create?fromImage=${encodeURIComponent(pulled)}&tag=1`);
    },
    async (): Promise<RawRequest> => {
      proxy.bytesUntilBreak = own.below(700_000);
      return pushed(proxy.host);
    },
  ];
  await sideByside(
    makers.flatMap((make) => Array.from({ length: points }, () => make)).sort(() => own.below(3) - 1),
    async (make) => {
      const client = new RawClient(daemon.socket);
      client.send(await make());
      await eventually("the answer ends", () => client.ended, 60);
      assert.match(client.start, /^HTTP\/1\.1 (200|400|404|500)/);
      client.hangUp();
    },
  );
  await assertWell();
});

async function compressed(program: string, bytes: Buffer): Promise<Buffer> {
  const file = join(daemon.directory, `${program}-${bytes.length}`);
  writeFileSync(file, bytes);
  const packed = await run("sh", ["-c", `${program} -c "${file}" > "${file}.out"`]);
  assert.equal(packed.code, 0, packed.stderr);
  return readFileSync(`${file}.out`);
}

/** Cut short, or with one byte that is another. */
function broken(archive: Buffer, random: Random): Buffer {
  const at = random.below(archive.length);
  if (random.below(2) === 0) return archive.subarray(0, at);
  const changed = Buffer.from(archive);
  changed[at] = random.below(256);
  return changed;
}

for (const [what, actions] of Object.entries({
  stopped: ["POST stop?t=1"],
  killed: ["POST kill"],
  removed: ["DELETE ?force=1"],
  "paused and removed": ["POST pause", "DELETE ?force=1"],
  restarted: ["POST restart?t=0"],
})) {
  test(`a container is ${what} in the middle of everything that can be done with it`, async () => {
    // A frozen container makes containerd wait for many seconds.
    const count = what.startsWith("paused") ? fewPoints : points;
    const rounds = Array.from({ length: count }, (_, round) => ({
      name: `c${what.slice(0, 6).trim()}${round}`,
      random: random.for(`${what} ${round}`),
    }));
    await sideByside(
      rounds,
      async ({ name, random }) => {
        const path = `/containers/${name}`;
        await startContainer(name, { OpenStdin: true, Cmd: ["sh", "-c", chatter] });
        const clients = new Map<string, RawClient>();
        try {
          for (const [what, endpoint] of Object.entries(containerEndpoints(name))) {
            const client = new RawClient(daemon.socket);
            clients.set(what, client);
            client.send(await endpoint.request());
            type(client, endpoint, random);
          }
          for (const action of actions) {
            await sleep(random.below(80));
            const [method = "", rest = ""] = action.split(" ");
            const answer = await daemon.api(method, rest.startsWith("?") ? `${path}${rest}` : `${path}/${rest}`);
            // 503: containerd, busy with frozen processes on a busy machine, was silent for too long.
            assert.match(String(answer.status), /^(204|503)$/, answer.text);
          }
          await eventually(
            "it is removed",
            async () => [204, 404].includes((await daemon.api("DELETE", `${path}?force=1`)).status),
            60,
          );
          const open = (): string[] => [...clients].flatMap(([what, { ended }]) => (ended ? [] : [what]));
          await eventually("with the container, all that was done with it ends", () => open().length === 0, 30).catch(
            (error: unknown) => {
              throw new Error(`still open: ${open().join("; ")}`, { cause: error });
            },
          );
        } finally {
          for (const client of clients.values()) client.hangUp();
        }
      },
      containersSideBySide,
    );
    await assertWell();
  });
}

test("a client that never reads costs the daemon a bounded piece of memory", async () => {
  const before = residentMegabytes();
  await startContainer("flood", { Cmd: ["yes"], HostConfig: { LogConfig: { Type: "none" } } });
  const requests = [
    rawRequest("POST", "/containers/flood/attach?stream=1&stdout=1", undefined, hijacked),
    await execStart("flood", ["yes"], false),
    rawRequest("GET", "/containers/history/logs?stdout=1"),
    rawRequest("GET", "/images/loaded:1/get"),
    rawRequest("GET", "/disturbed/stream"),
  ];
  const clients = requests.map((request) => {
    const client = new RawClient(daemon.socket);
    client.pause();
    client.send(request);
    return client;
  });
  await sleep(1500);
  const grown = residentMegabytes() - before;
  for (const client of clients) client.hangUp();
  await daemon.api("DELETE", "/containers/flood?force=1");
  assert.ok(grown < 150, `the daemon grew by ${grown.toFixed(0)} MB`);
});

test("nothing of it is left in the daemon: no descriptor, no child, no mount, no lease", async () => {
  const containers = (await daemon.api("GET", "/containers/json?all=1")).json<{ Id: string; Names: string[] }[]>();
  for (const { Id, Names } of containers)
    if (!["/talker", "/history", "/silent"].includes(Names[0] ?? "")) await daemon.api("DELETE", `/containers/${Id}?force=1`);
  let left: object = {};
  await eventually("all of it is given back", async () => isEmpty((left = beyond(await holdings(), atRest))), 30).catch(() =>
    assert.deepEqual(left, {}),
  );
});

/** What there is more of; fewer connections than before are no loss. */
function beyond(now: Holdings, before: Holdings): Record<string, unknown> {
  const more: Record<string, unknown> = {};
  for (const kind of ["descriptors", "children"] as const) {
    const known = [...before[kind]];
    const added = now[kind].filter((one) => !known.includes(one) || (known.splice(known.indexOf(one), 1), false));
    if (added.length > 0) more[kind] = added;
  }
  for (const kind of ["mounts", "leases"] as const) if (now[kind] > before[kind]) more[kind] = now[kind];
  return more;
}

function isEmpty(record: object): boolean {
  return Object.keys(record).length === 0;
}

/** No lease of a copy or a download, and no worker on containers' files, which stays a little for the next one: the plugin's process alone. */
function isAtRest({ children, leases }: Holdings): boolean {
  return leases === 0 && children.filter((name) => name === "node-MainThread").length === 1;
}
