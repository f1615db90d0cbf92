import assert from "node:assert/strict";
import type { ContainerCreateConfig, HostConfig } from "@pouchcontainer/api";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { mergeImageConfig } from "./config/merge-image-config.ts";
import { sampleFacts } from "./config/sample-settings.ts";
import { criRecord } from "./cri-record.ts";
import type { CriSettings } from "./cri-settings.ts";
import { modesOf, sharesPids, type PodMembership } from "./pod-membership.ts";
import { podRequest } from "./pod-request.ts";
import { fakeDevices } from "./spec/sample-input.ts";

const pod: PodMembership = {
  podId: "p",
  namespaces: { network: "/n", ipc: "host", uts: "/u", pid: "/proc/1/ns/pid" },
  files: {},
  logPath: "",
};

test("networks and modes in the body are the pod's matter, and swap is none where nothing is said of it", () => {
  const body = {
    Image: "web",
    HostConfig: {
      NetworkMode: "bridge",
      IpcMode: "shareable",
      UTSMode: "host",
      PidMode: "container:x",
      Memory: 64 << 20,
      RestartPolicy: { Name: "always" },
      AutoRemove: true,
    },
    NetworkingConfig: { EndpointsConfig: { bridge: {} } },
  };
  const request = podRequest(body, { pod });
  assert.deepEqual(request, {
    Image: "web",
    HostConfig: {
      NetworkMode: "none",
      IpcMode: "private",
      UTSMode: "",
      PidMode: "",
      Memory: 64 << 20,
      MemorySwap: 64 << 20,
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      AutoRemove: false,
    },
    NetworkingConfig: {},
    Healthcheck: { Test: ["NONE"] },
  });
  assert.deepEqual(modesOf(pod), { NetworkMode: "none", IpcMode: "host", UTSMode: "", PidMode: "" });
  assert.equal(podRequest({ HostConfig: { Memory: 1, MemorySwap: -1 } }, { pod }).HostConfig?.MemorySwap, -1);
});

test("an image's health check is not run in a pod; one that a plugin gives is", () => {
  const image = { Healthcheck: { Test: ["CMD", "probe"] } };
  const checkOf = (body: ContainerCreateConfig) => mergeImageConfig({ ...body, Cmd: ["sh"] }, image).Healthcheck?.Test;
  assert.deepEqual(checkOf(podRequest({ HostConfig: {} }, { pod })), ["NONE"]);
  assert.deepEqual(checkOf(podRequest({ HostConfig: {}, Healthcheck: { Test: ["CMD", "own"] } }, { pod })), ["CMD", "own"]);
  assert.deepEqual(checkOf(podRequest({ HostConfig: {} }, {})), ["CMD", "probe"]);
});

test("a privileged container of a pod sees the host's control groups, unless a plugin says otherwise", () => {
  const modeOf = (HostConfig: HostConfig) => podRequest({ HostConfig }, { pod }).HostConfig?.CgroupnsMode;
  assert.equal(modeOf({ Privileged: true }), "host");
  assert.equal(modeOf({ Privileged: true, CgroupnsMode: "" }), "host");
  assert.equal(modeOf({ Privileged: true, CgroupnsMode: "private" }), "private");
  assert.equal(modeOf({}), undefined);
  assert.equal(podRequest({ HostConfig: { Privileged: true } }, {}).HostConfig?.CgroupnsMode, undefined);
});

test("processes of a shared pid namespace are more than the container's", () => {
  const own = { ...pod, namespaces: { ...pod.namespaces, pid: "own" } };
  assert.deepEqual(
    [{ pod }, { pod: own }, {}].map((record) => sharesPids({ ...record, hostConfig: { PidMode: "" } })),
    [true, false, false],
  );
  assert.equal(sharesPids({ hostConfig: { PidMode: "host" } }), true);
});

test("a seccomp profile is read once and takes the place of another; one that is not there is told by its name", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seccomp-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const seccompPath = join(folder, "profile.json");
  writeFileSync(seccompPath, '{"defaultAction":"SCMP_ACT_ALLOW"}');
  const body = { HostConfig: { SecurityOpt: ["seccomp=unconfined", "no-new-privileges"] } };
  assert.deepEqual(podRequest(body, { cri: { seccompPath } }).HostConfig?.SecurityOpt, [
    "no-new-privileges",
    'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}',
  ]);
  for (const path of [join(folder, "absent"), folder])
    assert.throws(() => podRequest(body, { cri: { seccompPath: path } }), {
      kind: "invalidArgument",
      message: /^cannot load seccomp profile ".*": /,
    });
});

test("what CRI may not ask is refused at create", () => {
  const refused = (settings: CriSettings, message: RegExp): void =>
    assert.throws(() => criRecord(settings, { facts: sampleFacts(), devices: fakeDevices, cdiFolders: [] }), {
      kind: "invalidArgument",
      message,
    });
  refused({ ambientCapabilities: ["fly"] }, /unknown capability: "CAP_FLY"/);
  refused({ supplementalGroups: [-1] }, /supplemental group -1 is out of range/);
  refused({ hugepageLimits: [{ pageSize: "large", limitBytes: 1 }] }, /invalid hugepage limit: large=1/);
  refused({ unified: { "../x": "1" } }, /invalid name of a cgroup v2 file/);
  refused({ cdiDevices: ["vendor.com/gpu=0"] }, /unresolvable CDI devices vendor.com\/gpu=0/);
});
