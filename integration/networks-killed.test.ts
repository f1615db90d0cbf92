import type { ContainerInspect, NetworkInspect } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Daemon, eventually, run, sleep } from "./harness/daemon.ts";
import { hostLinks } from "./harness/host-links.ts";
import { networkDisagreements } from "./soak/agreement.ts";
import { portTargets } from "./soak/machine-state.ts";

/** How long before the kill each request is sent, in milliseconds. */
const leads = [2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35];

test("connects and disconnects that a kill -9 cut off are finished or undone by the next start", async () => {
  await using daemon = await Daemon.start();
  for (const [Name, Internal] of [
    ["front", false],
    ["back", false],
    ["inside", true],
  ] as const)
    assert.equal((await daemon.api("POST", "/networks/create", { Name, Internal })).status, 201);
  const start = async (name: string, networks: string[], ports: Record<string, object[]> = {}): Promise<void> => {
    const created = await daemon.api("POST", `/containers/create?name=${name}`, {
      Image: "busybox",
      Cmd: ["sleep", "600"],
      StopSignal: "SIGKILL",
      HostConfig: { NetworkMode: networks[0], PortBindings: ports },
      NetworkingConfig: { EndpointsConfig: Object.fromEntries(networks.map((network) => [network, {}])) },
    });
    assert.equal(created.status, 201, created.text);
    assert.equal((await daemon.api("POST", `/containers/${name}/start`)).status, 204);
  };
  const joining = leads.map((lead) => `joins-${lead}`);
  const leaving = leads.map((lead) => `leaves-${lead}`);
  const ports = { "80/tcp": [{}] };
  await start("asks", ["front", "back"]);
  // Of those with ports the network that comes or goes is the one the ports lead to.
  await Promise.all([
    ...joining.map((name, index) => start(name, index % 2 === 0 ? ["inside"] : ["front"], index % 2 === 0 ? ports : {})),
    ...leaving.map((name, index) => start(name, ["back", "front"], index % 2 === 0 ? ports : {})),
  ]);

  const answered = new Map<string, string>();
  const ask = async (lead: number, verb: string, Container: string): Promise<void> => {
    await sleep(Math.max(...leads) + 20 - lead);
    // Whoever hears nothing does not know what became of it.
    const answer = await daemon.api("POST", `/networks/back/${verb}`, { Container }).catch(() => undefined);
    if (answer) answered.set(Container, verb);
  };
  const asked = leads.flatMap((lead) => [ask(lead, "connect", `joins-${lead}`), ask(lead, "disconnect", `leaves-${lead}`)]);
  await sleep(Math.max(...leads) + 20);
  await daemon.kill9();
  await Promise.all(asked);
  await daemon.launch();

  assert.deepEqual(await networkDisagreements(daemon), []);
  const targets = portTargets(daemon.nftTable);
  const states = await Promise.all(
    [...joining, ...leaving].map(async (name) => (await daemon.api("GET", `/containers/${name}/json`)).json<ContainerInspect>()),
  );
  const asking = (await daemon.api("GET", "/containers/asks/json")).json<ContainerInspect>();
  for (const { Name, State, HostsPath, NetworkSettings } of states) {
    const name = Name.slice(1);
    const { Networks, Ports } = NetworkSettings;
    const addresses = Object.values(Networks).map(({ IPAddress }) => IPAddress ?? "");
    const says = `${name} in ${Object.keys(Networks).join(" and ")}`;
    if (answered.has(name)) assert.equal("back" in Networks, answered.get(name) === "connect", `${says}, as was answered`);
    const devices = readFileSync(`/proc/${State.Pid}/net/dev`, "utf8").match(/eth\d+:/g) ?? [];
    assert.equal(devices.length, addresses.length, `interfaces of ${says}`);
    const own = readFileSync(HostsPath, "utf8").match(/^1\S+(?=.*\b[0-9a-f]{12}\b)/gm) ?? [];
    assert.deepEqual(own.sort(), addresses.toSorted(), `hosts of ${says}`);
    for (const { HostPort } of Object.values(Ports ?? {}).flatMap((bindings) => bindings ?? []))
      assert.ok(
        addresses.includes(targets.get(Number(HostPort)) ?? ""),
        `port ${HostPort} of ${says} leads to ${targets.get(Number(HostPort))}`,
      );
    const served = "front" in Networks || "back" in Networks;
    if (name.endsWith("s")) assert.equal(Object.keys(Ports ?? {}).length > 0, served);
    for (const network of ["front", "back"]) {
      const resolved = await run("nsenter", [
        `--net=/proc/${asking.State.Pid}/ns/net`,
        "busybox",
        "nslookup",
        `${name}.${network}`,
        "127.0.0.11",
      ]);
      assert.equal(resolved.code === 0, network in Networks, `${name}.${network}: ${resolved.stdout}`);
    }
  }
  // What was undone can be done again, and the other way round.
  for (const { Name, NetworkSettings } of states) {
    const verb = "back" in NetworkSettings.Networks ? "disconnect" : "connect";
    const answer = await daemon.api("POST", `/networks/back/${verb}`, { Container: Name.slice(1) });
    assert.equal(answer.status, 200, `${verb} ${Name}: ${answer.text}`);
  }
  assert.deepEqual(await networkDisagreements(daemon), []);
});

/** A folder with an `ip` that, once, holds at a line with `at` in it until its daemon is dead: before it does what the line says, or after. */
function heldIp(t: TestContext, { at, when }: { at: string; when: "before" | "after" }) {
  const directory = mkdtempSync(join(tmpdir(), "pouch-held-ip-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const [armed, reached] = [join(directory, "armed"), join(directory, "reached")];
  const hold = `mv ${armed} ${reached}; while kill -0 $PPID 2>/dev/null; do sleep 0.05; done; exit`;
  const program = `#!/bin/bash
while IFS= read -r line; do
  held=; case "$line" in *"${at}"*) [ -e ${armed} ] && held=1 ;; esac
  ${when === "before" ? `[ "$held" ] && { ${hold}; }` : ""}
  printf '%s\\n' "$line"
  ${when === "after" ? `[ "$held" ] && { sleep 0.3; ${hold}; }` : ""}
done | PATH=\${PATH#*:} ip "$@"
`;
  writeFileSync(join(directory, "ip"), program, { mode: 0o755 });
  return {
    env: { PATH: `${directory}:${process.env["PATH"]}` },
    /** Kills the daemon when the request has come so far. */
    killDuring: async (daemon: Daemon, request: () => Promise<unknown>): Promise<void> => {
      writeFileSync(armed, "");
      const cut = request().catch(() => undefined);
      await eventually("it has come so far", () => existsSync(reached));
      await daemon.kill9();
      await cut;
    },
  };
}

const bridgesOf = (id: string): string[] => hostLinks().filter((name) => name === `br-${id.slice(0, 12)}`);

for (const when of ["before", "after"] as const)
  test(`a network's removal that a kill -9 cut off ${when} its bridge went is finished by the next start`, async (t) => {
    const ip = heldIp(t, { at: "link delete dev br-", when });
    await using daemon = await Daemon.start({ image: false, env: ip.env });
    const { Id } = (await daemon.api("POST", "/networks/create", { Name: "gone" })).json<{ Id: string }>();
    assert.equal(bridgesOf(Id).length, 1);
    await ip.killDuring(daemon, () => daemon.api("DELETE", "/networks/gone"));
    await daemon.launch();
    assert.equal((await daemon.api("GET", "/networks/gone")).status, 404);
    assert.deepEqual(bridgesOf(Id), []);
    assert.equal((await daemon.api("POST", "/networks/create", { Name: "gone" })).status, 201);
  });

test("a network that a daemon was killed over before its bridge was made has one after the next start", async (t) => {
  const ip = heldIp(t, { at: "link add name br-", when: "before" });
  await using daemon = await Daemon.start({ image: false, env: ip.env });
  await ip.killDuring(daemon, () => daemon.api("POST", "/networks/create", { Name: "begun" }));
  await daemon.launch();
  const { Id } = (await daemon.api("GET", "/networks/begun")).json<NetworkInspect>();
  await eventually("the bridge is there", () => bridgesOf(Id).length === 1);
});

test("a bridge that a daemon was killed over before it was marked goes with its network", async (t) => {
  const ip = heldIp(t, { at: " alias ", when: "before" });
  await using daemon = await Daemon.start({ image: false, env: ip.env });
  const bridge = `${daemon.bridge}x`.slice(-15);
  await ip.killDuring(daemon, () =>
    daemon.api("POST", "/networks/create", { Name: "named", Options: { "com.docker.network.bridge.name": bridge } }),
  );
  await daemon.launch();
  const { Id } = (await daemon.api("GET", "/networks/named")).json<NetworkInspect>();
  const made = (): string[] => hostLinks().filter((name) => name === bridge || name === `br-${Id.slice(0, 12)}`);
  assert.equal(made().length, 1);
  assert.equal((await daemon.api("DELETE", `/networks/${Id}`)).status, 204);
  assert.deepEqual(made(), []);
});
