/** What a plugin's own tests use: its points, called as the daemon calls them, without a daemon. */
export { loadPlugin, type PluginUnderTest } from "./load-plugin.ts";
export {
  sampleContainer,
  sampleContainerConfig,
  sampleEndpoint,
  sampleImage,
  sampleStoredImage,
  sampleVolume,
  sampleVolumeConfig,
} from "./samples.ts";
