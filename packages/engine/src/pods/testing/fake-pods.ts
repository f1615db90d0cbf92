import { unavailable } from "@pouchcontainer/errors";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { CniResult } from "../../networks/cni/cni-config.ts";
import type { Endpoint } from "../../plugin-host/chains.ts";
import type { Collection } from "../../store/index.ts";
import type { PodDeps } from "../pod-deps.ts";
import { PodManager } from "../pod-manager.ts";
import type { PodRecord } from "../pod-record.ts";

/** Daemons that come and go over records and a machine that stay: what was done is noted, and any step can be made to fail. */
export interface FakePods {
  records: Map<string, PodRecord>;
  /** Steps in their order, without the pods' ids. */
  steps: string[];
  warnings: string[];
  /** Actions of the pods' events. */
  told: string[];
  /** By step, what it fails with, or waits for. */
  faults: Map<string, () => Promise<void>>;
  whole: boolean;
  /** Whether the first processes of pods have. */
  ended: boolean;
  boot: string;
  stopped: (podId: string) => void;
  /** What plugins make of a pod's place in its network. */
  changeEndpoint: (endpoint: Endpoint) => Endpoint;
  /** A daemon's start. */
  open(): PodManager;
}

export function fakePods(t: TestContext): FakePods {
  const root = mkdtempSync(join(tmpdir(), "pouch-fake-pods-"));
  t.after(() => rmSync(root, { recursive: true, maxRetries: 5 }));
  const result: CniResult = { ips: [{ address: "192.0.2.7/24" }] };
  const step = async (name: string): Promise<void> => {
    fake.steps.push(name);
    await fake.faults.get(name)?.();
  };
  const records: Collection<PodRecord> = {
    get: (id) => fake.records.get(id),
    values: () => fake.records.values(),
    put: async (id, record) => {
      await step(`put ${record.removing ? "removing " : ""}${record.state}`);
      fake.records.set(id, record);
    },
    delete: async (id) => {
      await step("delete");
      fake.records.delete(id);
    },
  };
  const deps = (): PodDeps => ({
    records,
    containers: {
      podIds: () => [],
      stopAll: async (id) => {
        await step("stop containers");
        fake.stopped(id);
      },
      removeAll: () => step("remove containers"),
    },
    chains: {
      preCreateEndpoint: async (_id, _env, endpoint) => fake.changeEndpoint(endpoint),
      adoptTrace: () => undefined,
      forgetTrace: () => undefined,
    },
    kernel: {
      groupsToOwn: () => [],
      usage: async () => ({ interfaces: [] }),
      connect: () => Promise.reject(unavailable("nobody listens")),
      disconnect: () => undefined,
      make: async () => {
        await step("make");
        return {};
      },
      takeDown: () => step("take down"),
      isWhole: () => fake.whole,
      hasEnded: () => fake.ended,
      limit: () => step("limit"),
      close: () => undefined,
    },
    network: {
      plan: (containerId, _config, netnsPath) => ({
        list: { cniVersion: "1.0.0", name: "net", plugins: [{ type: "bridge" }] },
        target: { containerId, netnsPath, interfaceName: "eth0" },
      }),
      attach: async () => {
        await step("ADD");
        return result;
      },
      detach: ({ result: known }) => step(known ? "DEL with result" : "DEL"),
      check: () => step("CHECK"),
      collect: () => step("GC"),
      status: () => ({ ready: true, reason: "", message: "" }),
    },
    events: { publish: ({ action }) => void fake.told.push(action) },
    roots: { home: join(root, "home"), exec: join(root, "exec") },
    hostRoot: "",
    cgroupDriver: "cgroupfs",
    boot: fake.boot,
    clock: { now: () => 1_700_000_000_000_000_000n },
    log: { warn: (message) => void fake.warnings.push(message) },
  });
  const fake: FakePods = {
    records: new Map(),
    steps: [],
    warnings: [],
    told: [],
    faults: new Map(),
    whole: true,
    ended: false,
    boot: "first",
    stopped: () => undefined,
    changeEndpoint: (endpoint) => endpoint,
    open: () => {
      const manager = new PodManager(deps());
      t.after(() => manager.close());
      return manager;
    },
  };
  return fake;
}
