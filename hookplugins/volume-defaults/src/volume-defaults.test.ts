import { loadPlugin, sampleVolumeConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";

const directory = new URL("..", import.meta.url);

test("a volume gets the site's options and labels, and keeps its own", async () => {
  const configuration = { driver: "tmpfs", options: { size: "64m", mode: "0700" }, labels: { tier: "bronze" } };
  const plugin = await loadPlugin(directory, { configuration });
  const request = sampleVolumeConfig({ Driver: "", DriverOpts: { size: "1g" }, Labels: { team: "a" } });
  const { config } = await plugin.call("volume.preVolumeCreate", { config: request });
  assert.deepEqual(config, {
    Name: "data",
    Driver: "tmpfs",
    DriverOpts: { size: "1g", mode: "0700" },
    Labels: { tier: "bronze", team: "a" },
  });
});

test("without configuration a label says who was here", async () => {
  const plugin = await loadPlugin(directory);
  const { config } = await plugin.call("volume.preVolumeCreate", { config: sampleVolumeConfig() });
  assert.deepEqual([config.Driver, config.Labels], ["local", { "volume-defaults": "1.0.0" }]);
});
