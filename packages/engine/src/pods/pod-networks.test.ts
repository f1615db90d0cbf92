import { failedPrecondition } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodMembership } from "../containers/pod-membership.ts";
import type { ContainerNetworks, NetworkedContainer } from "../networks/container-networks.ts";
import { PodNetworks } from "./pod-networks.ts";

const membership: PodMembership = {
  podId: "p1",
  namespaces: { network: "/run/net", ipc: "own", uts: "own", pid: "own" },
  files: { hostnamePath: "/hostname", resolvConfPath: "/resolv.conf" },
  logPath: "",
};

/** Networks that note what they are asked; `inside` is a container of a pod. */
function networks(given: Partial<PodMembership> = {}, ready = true) {
  const asked: string[] = [];
  const note = (name: string) => (first: { id: string } | string) => {
    asked.push(`${name} ${typeof first === "string" ? first : first.id}`);
    return Promise.resolve({});
  };
  // No more than what these tests ask for.
  const others = {
    prepare: note("prepare"),
    connect: note("connect"),
    release: note("release"),
    forget: note("forget"),
    rename: note("rename"),
    holding: () => ["outside"],
    linkEnvironment: () => ["LINK=1"],
    settings: () => ({ Bridge: "others" }),
    restore: (running: { id: string }[]) => Promise.resolve(void asked.push(`restore ${running.map(({ id }) => id).join()}`)),
  } as unknown as ContainerNetworks;
  const pods = new PodNetworks({
    others,
    membershipOf: (id) => (id === "inside" ? { ...membership, ...given } : undefined),
    addressesOf: () => ["192.0.2.7", "fd00::7"],
    requireReady: () => {
      if (!ready) throw failedPrecondition("pod p1 is not ready");
    },
  });
  return { pods, asked };
}

const container = (id: string, phase: NetworkedContainer["phase"] = "running"): NetworkedContainer =>
  ({ id, phase }) as NetworkedContainer;

test("a container of a pod gets its namespace and files, and nothing is asked of other networks", async () => {
  const { pods, asked } = networks();
  assert.deepEqual(await pods.prepare(container("inside"), { deferConnect: false }), {
    netnsPath: "/run/net",
    hostnamePath: "/hostname",
    resolvConfPath: "/resolv.conf",
  });
  await pods.connect(container("inside"));
  await pods.rename("inside", "new");
  await pods.release("inside");
  await pods.forget("inside");
  assert.deepEqual(pods.linkEnvironment(container("inside")), []);
  assert.deepEqual(asked, []);
});

test("nothing starts in a pod that is not ready", async () => {
  const { pods } = networks({}, false);
  await assert.rejects(pods.prepare(container("inside"), { deferConnect: false }), /not ready/);
});

test("in the host's network there is no namespace to join", async () => {
  const { pods } = networks({ namespaces: { ...membership.namespaces, network: "host" } });
  assert.equal((await pods.prepare(container("inside"), { deferConnect: false })).netnsPath, undefined);
});

test("all others have what they always had", async () => {
  const { pods, asked } = networks();
  await pods.prepare(container("outside"), { deferConnect: false });
  await pods.release("outside");
  await pods.restore([container("inside"), container("outside")]);
  assert.deepEqual(asked, ["prepare outside", "release outside", "restore outside"]);
  assert.deepEqual(pods.holding(), ["outside"]);
  assert.equal(pods.settings(container("outside")).Bridge, "others");
});

test("inspect shows the pod's addresses while the container runs", () => {
  const { pods } = networks();
  const { IPAddress, GlobalIPv6Address, SandboxKey } = pods.settings(container("inside"));
  assert.deepEqual([IPAddress, GlobalIPv6Address, SandboxKey], ["192.0.2.7", "fd00::7", "/run/net"]);
  assert.equal(pods.settings(container("inside", "ended")).IPAddress, "");
});
