import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { NetworkRecord } from "../network-record.ts";
import type { EndpointRecord } from "../sandbox-record.ts";
import type { CniNetworkList, CniResult } from "./cni-config.ts";
import { CniDriver } from "./cni-driver.ts";
import type { CniTarget } from "./cni-runner.ts";

const result: CniResult = {
  ips: [{ address: "192.0.2.5/24" }],
  interfaces: [{ name: "eth0", mac: "02:00:00:00:00:05", sandbox: "x" }],
};
const network = { id: "0123456789abcdef", name: "lan", options: { "cni.network": "ours" } } as unknown as NetworkRecord;
const place = { containerId: "c1", containerName: "web", netnsPath: "/nowhere/at/all" };

interface Call {
  list: CniNetworkList;
  target: CniTarget;
  result?: CniResult | undefined;
}

/** A driver over a folder with the list `ours`, and what it asked of the plugins. */
function driverWith(t: TestContext): { driver: CniDriver; path: string; added: Call[]; removed: Call[] } {
  const directory = mkdtempSync(join(tmpdir(), "pouch-cni-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "10-ours.conflist");
  writeFileSync(path, JSON.stringify({ cniVersion: "1.0.0", name: "ours", plugins: [{ type: "bridge" }] }));
  const added: Call[] = [];
  const removed: Call[] = [];
  const runner = {
    find: (type: string) => `/bin/${type}`,
    add: async (list: CniNetworkList, target: CniTarget) => {
      added.push({ list, target });
      return Promise.resolve(result);
    },
    remove: async (list: CniNetworkList, target: CniTarget, previous?: CniResult) => {
      removed.push({ list, target, result: previous });
      return Promise.resolve();
    },
  };
  return {
    driver: new CniDriver({ runner, configDirectory: directory, name: "cni" }),
    path,
    added,
    removed,
  };
}

/** As it is kept while its daemon is away. */
function kept(endpoint: EndpointRecord): EndpointRecord {
  return JSON.parse(JSON.stringify(endpoint)) as EndpointRecord;
}

const fresh = (): EndpointRecord =>
  ({ interfaceName: "eth0", macAddress: "02:00:00:00:00:01", genericParams: {} }) as unknown as EndpointRecord;

test("DEL is asked of the list that ADD was, with its result, whatever became of the list and the container's name", async (t) => {
  const { driver, path, added, removed } = driverWith(t);
  const endpoint = fresh();
  driver.prepareEndpoint(network, endpoint);
  assert.equal((await driver.attach(network, endpoint, place)).changed, true);
  rmSync(path);
  await driver.forget(network, kept(endpoint), { ...place, containerName: "anew" });
  assert.deepEqual(removed, [{ ...added[0], result }]);
});

test("an ADD that a daemon was killed over is taken back of the list it was asked of", async (t) => {
  const { driver, path, removed } = driverWith(t);
  const endpoint = fresh();
  driver.prepareEndpoint(network, endpoint);
  writeFileSync(path, JSON.stringify({ cniVersion: "1.0.0", name: "ours", plugins: [{ type: "ptp" }] }));
  await driver.detach(network, kept(endpoint), place);
  assert.deepEqual(
    removed.map(({ list, result: previous }) => [list.plugins[0]?.type, previous]),
    [["bridge", undefined]],
  );
});

test("an endpoint without a list of its own is taken back of the list there is", async (t) => {
  const { driver, removed } = driverWith(t);
  await driver.forget(network, fresh(), place);
  assert.equal(removed[0]?.list.name, "ours");
});
