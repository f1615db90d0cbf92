/** Networks through a whole daemon: the docker CLI in front, runc behind, and a kill -9 in between. */
import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Daemon, type CommandResult } from "./harness/daemon.ts";
import { freeSubnet } from "./harness/free-subnet.ts";
import { descriptorsWithHelpers } from "./soak/machine-state.ts";

async function daemon(t: TestContext): Promise<Daemon> {
  const started = await Daemon.start();
  t.after(() => started[Symbol.asyncDispose]());
  return started;
}

async function ok(command: Promise<CommandResult>): Promise<string> {
  const { code, stdout, stderr } = await command;
  assert.equal(code, 0, stderr || stdout);
  return stdout.trim();
}

/** What an HTTP server says over loopback; undefined when nobody is there. */
function get(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ host: "127.0.0.1", port, timeout: 2_000 });
    socket.on("connect", () => socket.write("GET / HTTP/1.0\r\n\r\n"));
    socket.on("data", (chunk) => (text += String(chunk)));
    socket.on("timeout", () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text === "" ? undefined : text.slice(text.indexOf("\r\n\r\n") + 4).trim()));
  });
}

async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("it did not come true");
}

/** The first packets to a neighbour that was just connected may be lost. */
async function pings(d: Daemon, container: string, neighbour: string): Promise<void> {
  await eventually(async () => (await d.docker("exec", container, "ping", "-c1", "-W1", neighbour)).code === 0);
}

const server = ["sh", "-c", "mkdir -p /www && echo $HOSTNAME-page >/www/index.html && exec httpd -f -p 80 -h /www"];

test("a published web server is reached, finds its neighbours and outlives the daemon", async (t) => {
  const d = await daemon(t);
  const [front, back] = [freeSubnet(), freeSubnet()];
  await ok(d.docker("network", "create", "--subnet", front.cidr, "front"));
  await ok(d.docker("network", "create", "--subnet", back.cidr, "back"));
  await ok(
    d.docker(
      "run",
      "-d",
      "--name",
      "web",
      "-h",
      "web",
      "--network",
      "front",
      "--ip",
      `${front.prefix}10`,
      "-p",
      "18770:80",
      "busybox",
      ...server,
    ),
  );
  await ok(d.docker("run", "-d", "--name", "db", "--network", "back", "--network-alias", "database", "busybox", "sleep", "600"));
  await eventually(async () => (await get(18770)) === "web-page");
  assert.equal(await ok(d.docker("port", "web")), "80/tcp -> 0.0.0.0:18770");
  assert.notEqual((await d.docker("exec", "web", "ping", "-c1", "-W1", "database")).code, 0);
  await ok(d.docker("network", "connect", "back", "web"));
  await pings(d, "web", "database");
  assert.match(
    await ok(d.docker("run", "--rm", "--network", "container:web", "busybox", "ip", "-4", "address")),
    new RegExp(`${front.prefix}10/24`),
  );
  const inspected = await ok(d.docker("inspect", "web", "--format", "{{json .NetworkSettings.Networks}}"));

  await d.kill9();
  assert.equal(await get(18770), "web-page", "the kernel serves the port without the daemon");
  await d.launch();
  assert.equal(await get(18770), "web-page");
  assert.equal(await ok(d.docker("inspect", "web", "--format", "{{json .NetworkSettings.Networks}}")), inspected);
  await pings(d, "web", "database");
  await ok(d.docker("rename", "db", "store"));
  await pings(d, "web", "store");

  const inUse = await d.docker("network", "rm", "front");
  assert.match(inUse.stderr, /error while removing network: network front has active endpoints/);
  await ok(d.docker("restart", "-t", "0", "web"));
  await eventually(async () => (await get(18770)) === "web-page");
  assert.match(
    await ok(d.docker("exec", "web", "ip", "-4", "address")),
    new RegExp(`${front.prefix}10/24[^]*${back.prefix}`),
    "both networks are there after a restart",
  );
  await ok(d.docker("rm", "-f", "web", "store"));
  assert.equal(await get(18770), undefined);
  await ok(d.docker("network", "prune", "-f"));
  assert.equal(await ok(d.docker("network", "ls", "--format", "{{.Name}}")), "bridge\nhost\nnone");
});

test("requests that cannot be met are refused with Docker's status and words, and leave no container", async (t) => {
  const d = await daemon(t);
  const { cidr, prefix } = freeSubnet();
  await ok(d.docker("network", "create", "--subnet", cidr, "front"));
  await ok(
    d.docker(
      "run",
      "-d",
      "--name",
      "one",
      "--network",
      "front",
      "--ip",
      `${prefix}9`,
      "-p",
      "18771:80",
      "busybox",
      "sleep",
      "600",
    ),
  );
  for (const [args, words] of [
    [["--network", "front", "--ip", `${prefix}9`], /Address already in use/],
    [["-p", "18771:80"], /port is already allocated/],
    [["--network", "front", "--ip", "192.0.2.9"], /It does not belong to any of this network's subnets/],
    [["--network", "bridge", "--ip", "192.0.2.9"], /user specified IP address is supported on user defined networks only/],
    [["--network", "nowhere"], /network nowhere not found/],
    [["--network", "container:nobody"], /No such container: nobody/],
  ] as const) {
    const refused = await d.docker("run", "--rm", ...args, "busybox", "true");
    assert.equal(refused.code, 125);
    assert.match(refused.stderr, words);
  }
  const overlap = await d.api("POST", "/v1.41/networks/create", {
    Name: "again",
    IPAM: { Config: [{ Subnet: `${prefix}0/25` }] },
  });
  assert.deepEqual([overlap.status, overlap.json()], [403, { message: "Pool overlaps with other one on this address space" }]);
  assert.equal((await d.api("POST", "/v1.41/networks/create", { Name: "front" })).status, 409);
  assert.equal((await d.api("DELETE", "/v1.41/networks/bridge")).status, 403);
  assert.equal((await d.api("DELETE", "/v1.41/networks/nowhere")).status, 404);
  assert.equal((await d.api("POST", "/v1.41/networks/front/connect", { Container: "one" })).status, 403);
  assert.equal(await ok(d.docker("ps", "-a", "--format", "{{.Names}}")), "one");
});

test("what a network cannot give is refused as dockerd refuses it, at its moment", async (t) => {
  const started = await daemon(t);
  const post = async (path: string, body?: unknown): Promise<[number, string]> => {
    const { status, text } = await started.api("POST", path, body);
    return [status, status === 201 ? "" : (JSON.parse(text) as { message: string }).message];
  };
  const network = (Name: string, more: object) => post("/networks/create", { Name, ...more });
  const Options = { "com.docker.network.bridge.host_binding_ipv4": "foo" };
  assert.match(
    (await network("bound", { Options }))[1],
    /failed to parse com\.docker\.network\.bridge\.host_binding_ipv4 value: foo/,
  );
  assert.deepEqual(await network("four", { IPAM: { Config: [{ Subnet: freeSubnet().cidr }] } }), [201, ""]);
  for (const [mode, IPAMConfig, what] of [
    ["host", { IPv4Address: "1.2.3.4" }, "on user defined networks only"],
    ["none", { IPv4Address: "1.2.3.4" }, "on user defined networks only"],
    ["four", { IPv6Address: "fd00::5" }, "only when connecting to networks with user configured subnets"],
  ] as const) {
    const create = {
      Image: "busybox",
      Cmd: ["true"],
      HostConfig: { NetworkMode: mode },
      NetworkingConfig: { EndpointsConfig: { [mode]: { IPAMConfig } } },
    };
    const created = await post(`/containers/create?name=in-${mode}`, create);
    const refused = created[0] === 201 ? await post(`/containers/in-${mode}/start`) : created;
    assert.deepEqual(refused, [400, `user specified IP address is supported ${what}`], mode);
  }
});

test("an address and a port are free again when the end of the container that had them was told", async (t) => {
  const d = await daemon(t);
  const { cidr, prefix } = freeSubnet();
  await ok(d.docker("network", "create", "--subnet", cidr, "front"));
  const names = ["one", "two"];
  for (const name of names)
    await ok(
      d.docker("create", "--name", name, "--network", "front", "--ip", `${prefix}9`, "-p", "18772:80", "busybox", "sleep", "600"),
    );
  await ok(d.docker("start", "one"));
  for (let round = 0; round < 20; round++) {
    const [ending = "", next = ""] = round % 2 === 0 ? names : names.toReversed();
    const waited = d.api("POST", `/containers/${ending}/wait`);
    const stopped = d.api("POST", `/containers/${ending}/stop?t=0`);
    // A third hears of it by a wait, which is told a little before.
    await (round % 3 === 0 ? waited : stopped);
    const started = await d.api("POST", `/containers/${next}/start`);
    assert.equal(started.status, 204, `round ${round}: ${started.text}`);
    await Promise.all([waited, stopped]);
  }
});

test("a connect or disconnect while its container starts or restarts holds in the kernel as in the records", async (t) => {
  const d = await daemon(t);
  await ok(d.docker("network", "create", "more"));
  const names = Array.from({ length: 8 }, (_, index) => `c${index}`);
  for (const name of names) await ok(d.docker("create", "--name", name, "busybox", "sleep", "1000"));
  const post = async (path: string, body?: object): Promise<void> => {
    const { status, text } = await d.api("POST", path, body);
    assert.ok(status < 300, `${path}: ${status} ${text}`);
  };
  for (const [how, change] of [
    ["start", "connect"],
    ["restart?t=0", "disconnect"],
    ["restart?t=0", "connect"],
  ]) {
    await Promise.all(
      names.map(async (name, index) => {
        const begun = post(`/containers/${name}/${how}`);
        await sleep(index * 25);
        await Promise.all([begun, post(`/networks/more/${change}`, { Container: name })]);
      }),
    );
    for (const name of names) {
      const { NetworkSettings } = (await d.api("GET", `/containers/${name}/json`)).json<{
        NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
      }>();
      const { Networks } = NetworkSettings;
      assert.equal("more" in Networks, change === "connect", `${name}, ${change} during ${how}`);
      const shown = await ok(d.docker("exec", name, "ip", "-4", "addr", "show"));
      const inKernel = [...shown.matchAll(/inet ([\d.]+)\/\d+ .*global/g)].map((match) => match[1]);
      assert.deepEqual(
        inKernel.toSorted(),
        Object.values(Networks)
          .map(({ IPAddress }) => IPAddress)
          .toSorted(),
        `${name}, ${change} during ${how}`,
      );
    }
  }
  await ok(d.docker("rm", "-f", ...names));
});

test("the namespaces of containers that are gone are held by nobody", async (t) => {
  const { docker, pid } = ((started) => ({ docker: started.docker.bind(started), pid: started.pid }))(await daemon(t));
  // The host's own is held by whoever comes back to it.
  const host = readlinkSync("/proc/self/ns/net");
  const isOfContainer = (target: string): boolean => (target.startsWith("net:") && target !== host) || target === "/";
  const held = (): number => descriptorsWithHelpers(pid).filter(isOfContainer).length;
  await ok(docker("run", "--rm", "busybox", "true"));
  await eventually(() => Promise.resolve(held() === 0));
  for (let count = 0; count < 4; count++) await ok(docker("run", "--rm", "busybox", "true"));
  await eventually(() => Promise.resolve(held() === 0));
});
