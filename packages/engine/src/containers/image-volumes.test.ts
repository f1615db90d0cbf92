import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerDeps } from "./container-deps.ts";
import { clearStrayImageViews, removeImageViews, resolveImageVolumes, viewImages } from "./image-volumes.ts";
import { sampleRecord } from "./spec/sample-record.ts";

/** containerd with views by key, and images of one name. */
function machine() {
  const views = new Map<string, Record<string, string>>();
  const service = {
    view: async (key: string, _parent: string, labels: Record<string, string>) => void views.set(key, labels),
    remove: async (key: string) => void views.delete(key),
    list: async () => [...views].map(([name, labels]) => ({ name, labels })),
  };
  const deps = {
    containerd: { snapshots: () => service },
    clock: { now: () => 0n },
    images: {
      resolve: async (reference: string) => ({ id: `sha256:${reference}`, chainId: `chain-of-${reference}` }),
      ensureUnpacked: () => Promise.resolve(),
    },
    // What image volumes ask of them.
  } as unknown as Pick<ContainerDeps, "containerd" | "clock" | "images">;
  return { deps, views };
}

test("views of images go with their container, and without it when it never came to be", async () => {
  const { deps, views } = machine();
  const volumes = ["one", "two"].map((image) => ({ image, destination: `/${image}` }));
  const imageVolumes = await resolveImageVolumes(deps, volumes, "overlayfs");
  assert.deepEqual(imageVolumes[1], { image: "two", destination: "/two", imageId: "sha256:two", chainId: "chain-of-two" });
  const [kept, lost] = ["a", "b"].map((id) => sampleRecord({ id, cri: { imageVolumes } }));
  assert.ok(kept && lost);
  for (const record of [kept, lost]) await viewImages(deps, record);
  assert.deepEqual([...views.keys()], ["a-image-0", "a-image-1", "b-image-0", "b-image-1"]);
  await clearStrayImageViews(deps, "overlayfs", (id) => id === "a");
  assert.deepEqual([...views.keys()], ["a-image-0", "a-image-1"]);
  await removeImageViews(deps, kept);
  assert.equal(views.size, 0);
});
