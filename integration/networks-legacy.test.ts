import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, eventually } from "./harness/daemon.ts";
import { printed } from "./harness/printed.ts";

/** What older clients ask of networks, held against what dockerd 20.10 answered to the same. One daemon for all. */
let daemon: Daemon;

before(async () => {
  daemon = await Daemon.start();
});
after(() => daemon[Symbol.asyncDispose]());

interface Created {
  Id: string;
  message?: string;
}

async function create(name: string, body: Record<string, unknown>, version = "v1.41") {
  const answer = await daemon.api("POST", `/${version}/containers/create?name=${name}`, {
    Image: "busybox",
    Cmd: ["sleep", "600"],
    ...body,
  });
  return { status: answer.status, ...answer.json<Created>() };
}

async function start(name: string): Promise<string> {
  const answer = await daemon.api("POST", `/containers/${name}/start`);
  return answer.status === 204 ? "" : `${answer.status} ${answer.json<{ message: string }>().message}`;
}

const docker = (...args: string[]): Promise<string> => printed(daemon, "docker", ...args);

const show = (name: string, template: string) => docker("inspect", "-f", template, name);

test("a hardware address of the container is its first network's, in every spelling", async () => {
  await docker("network", "create", "mac-net");
  const HostConfig = { NetworkMode: "mac-net" };
  const NetworkingConfig = { EndpointsConfig: { "mac-net": { Aliases: ["x"] } } };
  for (const [name, MacAddress, rest] of [
    ["mac1", "02:42:ac:11:00:99", {}],
    ["mac2", "02-42-AC-11-00-98", { HostConfig, NetworkingConfig }],
    ["mac3", "0242.ac11.0097", { HostConfig }],
  ] as const) {
    assert.equal((await create(name, { MacAddress, ...rest })).status, 201);
    assert.equal(await start(name), "");
    const expected = `02:42:ac:11:00:9${12 - Number(name.slice(3)) - 2}`;
    assert.match(await docker("exec", name, "cat", "/sys/class/net/eth0/address"), new RegExp(expected));
    const { NetworkSettings } = (await daemon.api("GET", `/v1.41/containers/${name}/json`)).json<{
      NetworkSettings: { Networks: Record<string, { MacAddress: string }> };
    }>();
    assert.deepEqual(
      Object.values(NetworkSettings.Networks).map((network) => network.MacAddress),
      [expected],
    );
  }
  await docker("network", "connect", "mac-net", "mac1");
  assert.doesNotMatch(await docker("exec", "mac1", "cat", "/sys/class/net/eth1/address"), /:99$/);
  for (const junk of ["junk", "02:42:ac:11:00", "02:42:ac:11:00:99:01", "02:42-ac:11:00:99"]) {
    const refused = await create("mac-junk", { MacAddress: junk });
    assert.deepEqual([refused.status, refused.message], [400, `invalid MAC address: ${junk}`]);
  }
  await docker("rm", "-f", "mac1", "mac2", "mac3");
  await docker("network", "rm", "mac-net");
});

test("a network, and a container whose network is shared, may come after the create", async () => {
  assert.equal((await create("early", { HostConfig: { NetworkMode: "not-yet" } })).status, 201);
  assert.equal(await start("early"), "404 network not-yet not found");
  assert.equal(
    await show("early", "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}"),
    "created 128 network not-yet not found",
  );
  await docker("network", "create", "not-yet");
  assert.equal(await start("early"), "");

  const late = await create("late", { HostConfig: { NetworkMode: "container:owner" } });
  assert.equal(late.status, 201);
  assert.equal(await show("late", "{{.Config.Hostname}}"), late.Id.slice(0, 12));
  assert.equal(await start("late"), "404 No such container: owner");
  const owner = await create("owner", { Hostname: "ownerhost" });
  assert.equal(await start("late"), `409 cannot join network of a non running container: ${owner.Id}`);
  assert.equal(await start("owner"), "");
  assert.equal(await start("late"), "");
  assert.equal(await docker("exec", "late", "hostname"), "ownerhost");
  assert.equal(await show("late", "{{.Config.Hostname}}"), "ownerhost");
  for (const kind of ["IpcMode", "PidMode"]) {
    const refused = await create("other", { HostConfig: { [kind]: "container:nosuch" } });
    assert.deepEqual([refused.status, refused.message], [400, "No such container: nosuch"], kind);
  }
  await docker("rm", "-f", "early", "late", "owner");
  await docker("network", "rm", "not-yet");
});

test("a legacy link is variables, a line in hosts, and a second name that goes by itself", async () => {
  await create("db", { Hostname: "dbhost", Env: ["FOO=bar"], ExposedPorts: { "5432/tcp": {} } });
  assert.equal(await start("db"), "");
  assert.equal((await create("web", { HostConfig: { Links: ["db:data-base", "db"] } })).status, 201);
  assert.equal(await start("web"), "");
  const address = await show("db", "{{.NetworkSettings.Networks.bridge.IPAddress}}");
  const env = (await docker("exec", "web", "cat", "/proc/1/environ")).split("\0").filter((entry) => entry.startsWith("D"));
  const about = (alias: string, prefix: string) => [
    `${prefix}_PORT=tcp://${address}:5432`,
    `${prefix}_PORT_5432_TCP=tcp://${address}:5432`,
    `${prefix}_PORT_5432_TCP_ADDR=${address}`,
    `${prefix}_PORT_5432_TCP_PORT=5432`,
    `${prefix}_PORT_5432_TCP_PROTO=tcp`,
    `${prefix}_NAME=/web/${alias}`,
    `${prefix}_ENV_FOO=bar`,
  ];
  assert.deepEqual(env, [...about("data-base", "DATA_BASE"), ...about("db", "DB")]);
  assert.match(await docker("exec", "web", "env"), /^DB_PORT=tcp/m, "processes that come later have them too");
  assert.match(
    await docker("exec", "web", "cat", "/etc/hosts"),
    new RegExp(`${address}\\tdata-base dbhost db\n${address}\\tdb dbhost\n`),
  );

  assert.equal(await show("web", "{{json .HostConfig.Links}}"), '["/db:/web/data-base","/db:/web/db"]');
  const names = async () =>
    (await daemon.api("GET", "/containers/json?all=1")).json<{ Names: string[] }[]>().map(({ Names }) => Names);
  assert.deepEqual(await names(), [["/web"], ["/db", "/web/data-base", "/web/db"]]);
  const alias = await daemon.api("GET", "/v1.41/containers/web/db/json");
  assert.equal(alias.json<{ Name: string }>().Name, "/db");
  assert.equal(await show("web/data-base", "{{.Name}}"), "/db");

  await docker("rename", "db", "db2");
  assert.equal(await show("web", "{{json .HostConfig.Links}}"), '["/db2:/web/data-base","/db2:/web/db"]');
  const remove = async (path: string) => (await daemon.api("DELETE", path)).status;
  assert.equal(await remove("/containers/web/nosuch?link=1"), 404);
  assert.equal(await remove("/containers/nosuch/db?link=1"), 404);
  daemon.expectsErrors(/Conflict, cannot remove the default link name of the container/);
  assert.equal(await remove("/containers/web?link=1"), 500);
  assert.equal(await remove("/containers/web/db?link=1"), 204);
  assert.equal((await daemon.api("GET", "/containers/web/db/json")).status, 404);
  assert.equal(await show("web", "{{json .HostConfig.Links}}"), '["/db2:/web/data-base"]');
  assert.equal(await remove("/containers/web/data-base"), 409, "that is the container itself, which runs");

  await daemon.stop();
  await daemon.launch();
  assert.deepEqual(await names(), [["/web"], ["/db2", "/web/data-base"]]);
  await docker("rm", "-f", "db2");
  daemon.expectsErrors(/Cannot link to a non running container/);
  await docker("stop", "-t", "0", "web");
  assert.equal(await start("web"), "500 Cannot link to a non running container: /db AS /web/data-base");
  await docker("rm", "web");
});

test("what cannot be linked is refused at create, but for user-defined networks, which know no such links", async () => {
  await docker("network", "create", "front");
  const refusal = async (Links: string[], NetworkMode = "default") => {
    const { status, message } = await create("linking", { HostConfig: { Links, NetworkMode } });
    if (status === 201) await docker("rm", "linking");
    return `${status} ${message ?? ""}`;
  };
  assert.equal(await refusal(["nosuch:x"]), "400 could not get container for nosuch: No such container: nosuch");
  assert.equal(await refusal(["a:b:c"]), "400 bad format for links: a:b:c");
  assert.equal(await refusal(["nosuch:x"], "front"), "201 ");
  await docker("network", "rm", "front");
});

test("events of networks have dockerd's order and attributes; what is disconnected stays so", async () => {
  const events = new URLSearchParams({ since: (Date.now() / 1000).toFixed(3), filters: '{"type":["network"]}' });
  await docker("run", "-d", "--name", "ww", "busybox", "sleep", "600");
  const id = await show("ww", "{{.Id}}");
  await docker("network", "create", "n1");
  await docker("network", "connect", "n1", "ww");
  await docker("network", "disconnect", "bridge", "ww");
  await docker("restart", "-t", "0", "ww");
  assert.equal(await show("ww", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"), "n1");
  await docker("network", "create", "n2");
  assert.equal(await docker("network", "prune", "-f"), "Deleted Networks:\nn2");
  await docker("rm", "-f", "ww");
  await docker("network", "rm", "n1");
  const seen = await eventually("the end of n1", async () => {
    events.set("until", String(Math.floor(Date.now() / 1000) + 1));
    const lines = (await daemon.api("GET", `/events?${events.toString()}`)).text.trim().split("\n");
    const all = lines.map(
      (line) => JSON.parse(line) as { Action: string; Actor: { ID: string; Attributes: Record<string, string> } },
    );
    return all.at(-1)?.Action === "destroy" && all;
  });
  assert.deepEqual(
    seen.map(({ Action, Actor: { Attributes } }) => [
      Action,
      ...Object.entries(Attributes).map(([key, value]) => `${key}=${value}`),
    ]),
    [
      ["connect", `container=${id}`, "name=bridge", "type=bridge"],
      ["create", "name=n1", "type=bridge"],
      ["connect", `container=${id}`, "name=n1", "type=bridge"],
      ["disconnect", `container=${id}`, "name=bridge", "type=bridge"],
      ["disconnect", `container=${id}`, "name=n1", "type=bridge"],
      ["connect", `container=${id}`, "name=n1", "type=bridge"],
      ["create", "name=n2", "type=bridge"],
      ["destroy", "name=n2", "type=bridge"],
      ["prune", "reclaimed=0"],
      ["disconnect", `container=${id}`, "name=n1", "type=bridge"],
      ["destroy", "name=n1", "type=bridge"],
    ],
  );
});

test("-P takes no port away that was named beside it", async () => {
  const ExposedPorts = Object.fromEntries(["80/tcp", "81/tcp", "82/tcp", "9999/tcp"].map((port) => [port, {}]));
  const portsOf = async (name: string): Promise<string[]> =>
    (await docker("port", name)).split("\n").map((line) => line.replace(/.*:/, ""));
  // The machine's other daemons are given the same ports, one after the other: one of them may be first.
  for (let more = 20; ; more--) {
    await docker(
      "run",
      "-d",
      "--name",
      "before",
      ...["80", "81", "82", "83"].flatMap((port) => ["--expose", port]),
      "-P",
      "busybox",
      "top",
    );
    const named = await portsOf("before");
    await docker("rm", "-f", "before");
    const PortBindings = Object.fromEntries(named.map((port, index) => [`${9000 + index}/tcp`, [{ HostPort: port }]]));
    await create("many", { ExposedPorts, HostConfig: { PublishAllPorts: true, PortBindings } });
    const failure = await start("many");
    if (more > 0 && failure.includes("already")) {
      await docker("rm", "-f", "many");
      continue;
    }
    assert.equal(failure, "");
    const places = await portsOf("many");
    assert.equal(new Set(places).size, 4 + named.length);
    for (const port of named) assert.ok(places.includes(port), port);
    await docker("rm", "-f", "many");
    return;
  }
});

test("networks may be called what Docker lets them be called", async () => {
  for (const name of ["a b", "ä", "-x", "x/y", "a:b", "container:x", "a;b", "n".repeat(300)]) {
    const created = await daemon.api("POST", "/v1.41/networks/create", { Name: name });
    assert.equal(created.status, 201, `${name}: ${created.text}`);
    const path = `/networks/${encodeURIComponent(name)}`;
    assert.equal((await daemon.api("GET", path)).json<{ Name: string }>().Name, name);
    assert.equal((await daemon.api("DELETE", path)).status, 204, name);
  }
  for (const name of ["", "  "]) assert.equal((await daemon.api("POST", "/networks/create", { Name: name })).status, 400);
  for (const name of ["default", "host", "none", "bridge"])
    assert.equal((await daemon.api("POST", "/networks/create", { Name: name })).status, 403);
  await docker("network", "create", "x/y");
  await docker("run", "-d", "--name", "odd", "--network", "x/y", "busybox", "sleep", "600");
  assert.match(await docker("exec", "odd", "nslookup", "odd"), /Address/);
  await docker("rm", "-f", "odd");
  await docker("network", "rm", "x/y");
});

test("a configuration that networks are made from is no network: it is not pruned, and its end is no event", async () => {
  const since = (Date.now() / 1000).toFixed(3);
  await docker("network", "create", "--config-only", "--subnet", "192.0.2.0/24", "conf");
  assert.equal(await docker("network", "prune", "-f"), "");
  await docker("network", "rm", "conf");
  const query = new URLSearchParams({ since, until: String(Math.ceil(Date.now() / 1000)), filters: '{"type":["network"]}' });
  const lines = (await daemon.api("GET", `/events?${query.toString()}`)).text.trim().split("\n");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { Action: string }).Action),
    ["create", "prune"],
  );
});
