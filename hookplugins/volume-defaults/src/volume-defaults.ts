import { registerVolumePlugin } from "@pouchcontainer/plugin-sdk";

/** What the manifest's configuration schema lets through. */
interface Configuration {
  driver?: string;
  options?: Record<string, string>;
  labels?: Record<string, string>;
}

registerVolumePlugin({
  preVolumeCreate(config, { configuration }) {
    // Checked by the daemon against the schema in package.json.
    const { driver, options = {}, labels = { "volume-defaults": "1.0.0" } } = configuration as Configuration;
    if (driver !== undefined && (config.Driver ?? "") === "") config.Driver = driver;
    // What the request says wins over what is the site's default.
    config.DriverOpts = { ...options, ...config.DriverOpts };
    config.Labels = { ...labels, ...config.Labels };
  },
});
