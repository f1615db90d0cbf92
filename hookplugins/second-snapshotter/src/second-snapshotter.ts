import { registerImagePlugin } from "@pouchcontainer/plugin-sdk";

registerImagePlugin({
  async postPull(snapshotter, image, { configuration, log }) {
    const second = String(configuration["snapshotter"] ?? "native");
    if (second === snapshotter || (await image.isUnpacked(second))) return;
    await image.unpack(second);
    log.info(`unpacked ${image.reference} for ${second}`);
  },
});
