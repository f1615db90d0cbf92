import { registerImagePlugin } from "@pouchcontainer/plugin-sdk";

registerImagePlugin({
  async postPull(snapshotter, image, { configuration, log }) {
    // Checked by the daemon against the schema in package.json.
    const { snapshotter: second = "native" } = configuration as { snapshotter?: string };
    if (second === snapshotter || (await image.isUnpacked(second))) return;
    await image.unpack(second);
    log.info(`unpacked ${image.reference} for ${second}`);
  },
});
