import type { ContainerPlugin, ImagePlugin, PluginKind, PluginKinds, PointName } from "@pouchcontainer/plugin-sdk";
import { jsonStream, readJson } from "@pouchcontainer/plugin-sdk";
import { InProcessPlugin, parseManifest, type PluginInstance, type Registration } from "@pouchcontainer/plugin-sdk/host";
import { sampleEndpoint } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";
import { body, checks, harness } from "../host-harness.ts";
import { journalEntry, type CallResult, type JournalEntry } from "../journal/journal-entry.ts";
import type { JournaledCall } from "../journal/journaled-call.ts";
import type { PluginHost } from "../plugin-host.ts";
import { whyUnfit } from "./fits-today.ts";
import { rehearse } from "./rehearse-call.ts";

const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

function instance<K extends PluginKind>(kind: K, plugin: PluginKinds[K], pouch: Record<string, unknown> = {}): PluginInstance {
  const points = Object.keys(plugin).map((method) => `${kind}.${method}` as PointName);
  const manifest = parseManifest({ name: "tried", version: "2.0.0", pouch: { api: "^1.0.0", points, ...pouch } });
  const registrations = [{ kind, plugin } as Registration];
  return new InProcessPlugin({ manifest, registrations, settings: { configuration: {}, environment: {} } });
}

/** What a plugin's calls are recorded as. */
async function recorded<K extends PluginKind>(
  kind: K,
  plugin: PluginKinds[K],
  calls: (host: PluginHost) => Promise<unknown>,
): Promise<JournalEntry[]> {
  const heard: JournaledCall[] = [];
  const { host } = harness({ journal: { called: (call) => void heard.push(call) } });
  host.add(instance(kind, plugin));
  await calls(host).catch(quiet);
  return heard.map((call) => JSON.parse(JSON.stringify(journalEntry(call, "mask"))) as JournalEntry);
}

function again(entry: JournalEntry, tried: PluginInstance): Promise<CallResult> {
  assert.equal(whyUnfit(entry, checks), undefined);
  const { host } = harness();
  return rehearse(entry, { host, instance: tried, log, signal: new AbortController().signal });
}

test("a call at each kind of point comes to what it came to", async () => {
  const plugin: ContainerPlugin = {
    preCreate: (config) => void (config.HostConfig.PidsLimit = 5),
    validateCreate(config) {
      if (config.HostConfig.PidsLimit === 5) throw new Error("five is refused");
    },
    preStart: ({ Name }) => [{ priority: 1, args: ["/bin/hook", Name] }],
    preCreateEndpoint: (_id, _env, endpoint) => void (endpoint.priority = 7),
    preUpdate: async (update) => jsonStream({ ...((await readJson(update)) as object), CpuShares: 3 }),
    preRemove() {
      throw new Error("it stays");
    },
  };
  const endpoint = sampleEndpoint();
  const tried = instance("container", plugin);
  for (const [count, call] of [
    [2, (host: PluginHost) => host.preCreate(body(), {})],
    [1, (host: PluginHost) => host.preStart({ Name: "/web" } as never, {})],
    [1, (host: PluginHost) => host.preCreateEndpoint("c1", ["A=1"], endpoint, {})],
    [1, (host: PluginHost) => host.preUpdate(jsonStream({ Memory: 1 }), {})],
    [1, (host: PluginHost) => host.ask("container.preRemove", () => ({ container: {} as never }), {})],
  ] as const) {
    const entries = await recorded("container", plugin, call);
    assert.equal(entries.length, count);
    for (const entry of entries) {
      assert.ok(entry.result.patch ?? entry.result.error, entry.point);
      assert.deepEqual(await again(entry, tried), entry.result, entry.point);
    }
  }
});

test("an image is shown without its functions doing anything", async () => {
  const unpacked: string[] = [];
  const plugin: ImagePlugin = {
    async postPull(_snapshotter, image) {
      if (!(await image.isUnpacked("other"))) await image.unpack("other");
      throw new Error(`${image.reference} is refused`);
    },
  };
  const image = {
    reference: "docker.io/library/x:1",
    digest: "sha256:1",
    platform: "linux/amd64",
    sizeBytes: 3,
    config: { Env: ["TOKEN=canary"] },
    unpack: async (into: string) => void unpacked.push(into),
    isUnpacked: async () => false,
  };
  const [entry] = await recorded("image", plugin, (host) => host.postPull("overlayfs", image as never, {}));
  assert.ok(entry);
  assert.doesNotMatch(JSON.stringify(entry), /canary/);
  assert.deepEqual(await again(entry, instance("image", plugin)), entry.result);
  assert.deepEqual(unpacked, ["other"], "when it was recorded, and not again");
});

test("a version that has no such point, or filters the call out, is not called", async () => {
  const [entry] = await recorded("container", { preCreate: quiet }, (host) => host.preCreate(body(), { labels: {} }));
  assert.ok(entry);
  const filtered = instance("container", { preCreate: () => assert.fail() }, { filters: { labels: ["tier"] } });
  assert.deepEqual(await again(entry, filtered), { outcome: "not called" });
  const another = instance("container", { preStart: () => [] });
  assert.deepEqual(await again(entry, another), { outcome: "not called" });
});

test("a recorded call of which the daemon has another idea now is not made, and the field is named", async () => {
  const [entry] = await recorded("container", { preCreate: quiet }, (host) => host.preCreate(body(), {}));
  assert.ok(entry);
  const changed = { ...entry, given: { config: { ...body(), HostConfig: { Memory: "lots" } } } };
  assert.match(
    whyUnfit(changed, checks) ?? "",
    /^its schema has changed: .* at container\.preCreate any more, config\.HostConfig\.Memory must be integer, got "lots"$/,
  );
  assert.match(whyUnfit({ ...entry, given: {} }, checks) ?? "", /config is missing/);
  assert.match(whyUnfit({ ...entry, format: 2 }, checks) ?? "", /form 2 of the journal, and this daemon reads 1/);
  assert.match(whyUnfit({ ...entry, api: "9.0.0" }, checks) ?? "", /made by plugin API 9\.0\.0/);
  assert.match(whyUnfit({ ...entry, point: "container.gone" as PointName }, checks) ?? "", /no point container\.gone/);
});
