import type { ContainerInspect } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Daemon, sleep } from "./harness/daemon.ts";

const files = 1500;
const before = 64 * 2 ** 20;
const after = 96 * 2 ** 20;

/** Bytes a control group of that name may have in memory. */
function memoryLimit(daemon: Daemon, id: string): number {
  const places = [
    `/sys/fs/cgroup/memory/${daemon.cgroupParent}/${id}/memory.limit_in_bytes`,
    `/sys/fs/cgroup/${daemon.cgroupParent}/${id}/memory.max`,
  ];
  return Number(readFileSync(places.find((place) => existsSync(place)) ?? "", "utf8"));
}

test("updates and removals of volumes that a kill -9 cut off are finished or undone by the next start", async () => {
  await using daemon = await Daemon.start();
  const leads = [3, 7, 12, 18, 25, 35, 50];
  const containers = await Promise.all(
    leads.map(async (lead) => {
      const HostConfig = { NetworkMode: "none", Memory: before };
      const created = await daemon.api("POST", `/containers/create?name=updated-${lead}`, {
        Image: "busybox",
        Cmd: ["sleep", "600"],
        StopSignal: "SIGKILL",
        HostConfig,
      });
      const { Id } = created.json<{ Id: string }>();
      assert.equal((await daemon.api("POST", `/containers/${Id}/start`)).status, 204);
      return { lead, Id };
    }),
  );
  const volumes = await Promise.all(
    leads.map(async (lead) => {
      const created = await daemon.api("POST", "/volumes/create", { Name: `removed-${lead}` });
      const { Name, Mountpoint } = created.json<{ Name: string; Mountpoint: string }>();
      for (let index = 0; index < files; index++) writeFileSync(join(Mountpoint, `file-${index}`), "");
      return { lead, Name, Mountpoint };
    }),
  );

  const kill = Math.max(...leads) + 10;
  const answered = new Set<string>();
  const ask = async (lead: number, what: string, method: string, path: string, body?: object): Promise<void> => {
    await sleep(kill - lead);
    if (await daemon.api(method, path, body).catch(() => undefined)) answered.add(what);
  };
  const asked = [
    ...containers.map(({ lead, Id }) => ask(lead, Id, "POST", `/containers/${Id}/update`, { Memory: after, MemorySwap: -1 })),
    ...volumes.map(({ lead, Name }) => ask(lead, Name, "DELETE", `/volumes/${Name}`)),
  ];
  await sleep(kill);
  await daemon.kill9();
  await Promise.all(asked);
  await daemon.launch();

  for (const { lead, Id } of containers) {
    const { Memory } = (await daemon.api("GET", `/containers/${Id}/json`)).json<ContainerInspect>().HostConfig;
    assert.equal(memoryLimit(daemon, Id), Memory, `memory of the container asked ${lead} ms before the kill`);
    if (answered.has(Id)) assert.equal(Memory, after);
  }
  for (const { lead, Name, Mountpoint } of volumes) {
    const isThere = (await daemon.api("GET", `/volumes/${Name}`)).status === 200;
    const left = existsSync(Mountpoint) ? readdirSync(Mountpoint).length : 0;
    assert.equal(left, isThere ? files : 0, `files of the volume asked ${lead} ms before the kill`);
    if (answered.has(Name)) assert.ok(!isThere);
  }
});
