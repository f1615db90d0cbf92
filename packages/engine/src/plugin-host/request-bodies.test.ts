import type { VolumeCreateConfig } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TraceEntry } from "./trace.ts";
import { body, harness } from "./host-harness.ts";

test("what a plugin writes is read as a client's body is: names in any case, and nothing that is no field", async () => {
  const { host, add } = harness();
  const provenances: unknown[] = [];
  add("speller", "container", {
    preCreate: (config) => {
      delete config.Image;
      Object.assign(config, { image: "alpine", Foo: { bar: 1 }, toString: 1 });
      Object.assign(config.HostConfig, { privileged: true, nonsense: "x" });
    },
  });
  add("reader", "container", { validateCreate: (_config, { provenance }) => void provenances.push(provenance) });
  const calls: TraceEntry[] = [];
  const made = await host.preCreate(body(), { calls });
  assert.deepEqual(made, body({ Image: "alpine", HostConfig: { Privileged: true } }));
  assert.deepEqual(provenances, [
    {
      "/Image": { plugin: "speller", old: "busybox", new: "alpine" },
      "/HostConfig/Privileged": { plugin: "speller", new: true },
    },
  ]);
  assert.deepEqual(
    calls[0]?.patch?.map(({ path }) => path),
    ["/Image", "/HostConfig/Privileged"],
  );
});

test("one field under two names is the failure of the plugin that wrote them, whatever the body", async () => {
  const { host, add } = harness();
  add("liar", "container", {
    preCreate: (config) => void Object.assign(config.HostConfig, { Privileged: true, privileged: false }),
  });
  add("other", "volume", { preVolumeCreate: (config) => ({ ...config, driveropts: { type: "nfs" } }) as VolumeCreateConfig });
  await assert.rejects(host.preCreate(body(), {}), {
    kind: "internal",
    message: /^plugin "liar" at container\.preCreate: HostConfig\.Privileged and HostConfig\.privileged are the same field/,
  });
  await assert.rejects(host.preVolumeCreate({ Name: "x", DriverOpts: {} }, {}), {
    kind: "internal",
    message: /^plugin "other" at volume\.preVolumeCreate: DriverOpts and driveropts are the same field/,
  });
});

test("a field in another case is checked as itself", async () => {
  const { host, add } = harness();
  add("typist", "container", { preCreate: (config) => void Object.assign(config.HostConfig, { memory: "lots" }) });
  await assert.rejects(host.preCreate(body(), {}), {
    kind: "internal",
    message: /^plugin "typist" at container\.preCreate: HostConfig\.Memory must be integer, got "lots"$/,
  });
});
