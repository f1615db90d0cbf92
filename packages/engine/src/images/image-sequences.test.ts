import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { digestOf, MediaType } from "@pouchcontainer/oci";
import { pack } from "tar-stream";
import { FakeContainerd } from "./testing/fake-containerd.ts";
import { FakeRegistry } from "../registry/testing/fake-registry.ts";
import { imageRoom, type ImageRoom } from "./testing/image-room.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const forever = new AbortController().signal;
const tags = ["1", "2", "latest"];
const repositories = ["app", "other"];

/** The same numbers for the same seed (mulberry32). */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const configOf = (layers: string[]): string =>
  JSON.stringify({
    ...amd64,
    created: "2024-01-01T00:00:00Z",
    config: { Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => digestOf(layer)) },
  });

/** `docker save`'s format: the manifest that a load makes of it is not the registry's, the config is. */
async function archiveOf(names: string[], layers: string[]): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "config.json" }, configOf(layers));
  for (const [index, layer] of layers.entries()) tar.entry({ name: `${index}.tar` }, layer);
  const manifest = [{ Config: "config.json", RepoTags: names, Layers: layers.map((_, index) => `${index}.tar`) }];
  tar.entry({ name: "manifest.json" }, JSON.stringify(manifest));
  tar.finalize();
  return buffer(tar);
}

interface World {
  room: ImageRoom;
  registry: FakeRegistry;
  any: <T>(of: readonly T[]) => T;
}

const images = [["base"], ["base", "one"], ["base", "two"]];
const nameOf = ({ any }: World): string => `${any(repositories)}:${any(tags)}`;

function publish({ registry, any }: World): void {
  const layers = any(images);
  const manifest = {
    schemaVersion: 2,
    mediaType: any([MediaType.ociManifest, MediaType.dockerManifest]),
    config: { mediaType: MediaType.ociConfig, ...registry.addBlob(configOf(layers)) },
    layers: layers.map((layer) => ({ mediaType: MediaType.ociLayer, ...registry.addBlob(layer) })),
  };
  registry.addManifest(manifest, manifest.mediaType, any(tags));
}

async function load({ room }: World, archive: Buffer): Promise<void> {
  await room.images.load(Readable.from([archive]), { quiet: true }, () => undefined, forever);
}

const operations: Record<string, (world: World) => Promise<unknown>> = {
  load: async (world) =>
    load(world, await archiveOf(world.any([[], [nameOf(world)], [nameOf(world), nameOf(world)]]), world.any(images))),
  pull: async (world) => {
    publish(world);
    await world.room.pull(nameOf(world));
  },
  "save and load": async (world) => load(world, await buffer(await world.room.images.save([nameOf(world)], {}, forever))),
  tag: ({ room, any }) => room.images.tag(`${any(repositories)}:${any(tags)}`, { repository: any(repositories), tag: any(tags) }),
  "remove by name": (world) => world.room.images.remove(nameOf(world), { force: world.any([true, false]), noPrune: false }),
  "remove by id": async ({ room, any }) => {
    const all = await room.images.list({ all: true, digests: true, sharedSize: false, filters: {} });
    if (all.length > 0) await room.images.remove(any(all).Id, { force: any([true, false]), noPrune: false });
  },
  prune: ({ room, any }) => room.images.prune(any([{}, { dangling: ["false"] }])),
};

/** Everything that shows images answers, of content that is there, and says what containerd has. */
async function checkListings({ room, registry }: World): Promise<void> {
  room.containerd.collect();
  const all = await room.images.list({ all: true, digests: true, sharedSize: true, filters: {} });
  for (const { Id, RepoTags, RepoDigests } of all) {
    const inspected = await room.images.inspect(Id);
    assert.deepEqual([inspected.RepoTags, inspected.RepoDigests], [RepoTags, RepoDigests]);
    await room.images.history(Id);
    await room.images.ensureUnpacked(await room.images.resolve(Id), "overlayfs");
    assert.ok((await buffer(await room.images.save([Id], {}, forever))).length > 0);
  }
  await room.images.diskUsage();
  const shown = all.flatMap(({ Id, RepoTags, RepoDigests }) =>
    RepoTags.length + RepoDigests.length === 0
      ? [`pouch-dangling@${Id}`]
      : [...RepoTags, ...RepoDigests].map((name) => `${registry.host}/${name}`),
  );
  assert.deepEqual(shown.sort(), [...room.containerd.records.keys()].sort());
}

const listing = async (room: ImageRoom): Promise<unknown[]> =>
  (await room.images.list({ all: true, digests: true, sharedSize: false, filters: {} }))
    .map(({ Id, RepoTags, RepoDigests }) => ({ Id, RepoTags, RepoDigests }))
    .sort((a, b) => (a.Id < b.Id ? -1 : 1));

for (let seed = 1; seed <= 40; seed += 1) {
  test(`whatever is done to images in whatever order, all listings answer and agree with containerd (seed ${seed})`, async () => {
    const next = numbersFrom(seed);
    await using registry = await FakeRegistry.start();
    const naming = { domain: registry.host, namespace: "" };
    const containerd = new FakeContainerd();
    const start = (): Promise<ImageRoom> => imageRoom({ containerd, naming, warn: (message) => assert.fail(message) });
    const world: World = {
      room: await start(),
      registry,
      any: <T>(of: readonly T[]): T => {
        const chosen = of[next(of.length)];
        assert.ok(chosen !== undefined);
        return chosen;
      },
    };
    const done: string[] = [];
    for (let step = 0; step < 40; step += 1) {
      const name = world.any(Object.keys(operations));
      done.push(name);
      try {
        await operations[name]?.(world);
      } catch (error) {
        // A name that is not there, one that is used: those are answers. Anything else is a fault of ours.
        assert.ok(error instanceof Error && "kind" in error && error.kind !== "internal", error as Error);
      }
      await checkListings(world).catch((error: unknown) => {
        throw new Error(`after ${done.join(", ")}`, { cause: error });
      });
    }
    assert.deepEqual(await listing(await start()), await listing(world.room), "after a restart");
  });
}
