import { loadPlugin, sampleImage } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";

const directory = new URL("..", import.meta.url);

test("a pulled image is unpacked for the second snapshotter, once", async () => {
  const plugin = await loadPlugin(directory, { configuration: { snapshotter: "btrfs" } });
  const image = sampleImage();
  await plugin.call("image.postPull", { snapshotter: "overlayfs", image });
  await plugin.call("image.postPull", { snapshotter: "overlayfs", image });
  assert.deepEqual(image.unpackedTo, ["btrfs"]);
  assert.deepEqual(plugin.log, ["unpacked busybox:latest for btrfs"]);
});

test("nothing is done when the second snapshotter is the first", async () => {
  const plugin = await loadPlugin(directory);
  const image = sampleImage();
  await plugin.call("image.postPull", { snapshotter: "native", image });
  assert.deepEqual(image.unpackedTo, []);
});
