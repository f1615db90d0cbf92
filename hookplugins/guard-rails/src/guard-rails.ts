import {
  forbidden,
  registerContainerPlugin,
  registerImagePlugin,
  registerNetworkPlugin,
  registerVolumePlugin,
} from "@pouchcontainer/plugin-sdk";

/** What the manifest's configuration schema lets through: checked by the daemon against that in package.json. */
interface Configuration {
  commands?: string[];
  execUser?: string;
  registries?: string[];
  subnets?: Record<string, string>;
  mtu?: number;
}

const mtuOption = "com.docker.network.driver.mtu";

/** The manifest's filters let only containers, and below only volumes, with the labels come here. */
registerContainerPlugin({
  preExec(config, { configuration }) {
    const { commands = [], execUser } = configuration as Configuration;
    const [program = ""] = config.Cmd ?? [];
    if (!commands.includes(program))
      throw forbidden(`${program} is not among the programs that may be run here: ${commands.join(", ") || "none"}`);
    if (config.Privileged) throw forbidden("nothing may be run here with more privileges than the container has");
    if (execUser !== undefined) config.User = execUser;
  },

  preRemove({ Name }) {
    throw forbidden(`container ${Name.slice(1)} is protected by its label guard-rails.protect`);
  },
});

registerVolumePlugin({
  preRemove({ Name }) {
    throw forbidden(`volume ${Name} is protected by its label guard-rails.protect`);
  },
});

registerImagePlugin({
  prePull({ reference }, { configuration }) {
    const { registries } = configuration as Configuration;
    const registry = registryOf(reference);
    if (registries !== undefined && !registries.includes(registry))
      throw forbidden(`images of ${registry} are not pulled here, but those of ${registries.join(", ") || "none"}`);
  },
});

registerNetworkPlugin({
  preCreate(config, { configuration }) {
    const { subnets = {}, mtu } = configuration as Configuration;
    const subnet = Object.hasOwn(subnets, config.Name) ? subnets[config.Name] : undefined;
    // What the request says wins over what is the site's default.
    if (subnet !== undefined && (config.IPAM?.Config ?? []).length === 0)
      config.IPAM = { ...config.IPAM, Config: [{ Subnet: subnet }] };
    if (mtu !== undefined) config.Options = { [mtuOption]: String(mtu), ...config.Options };
  },
});

/** `registry.example.com:5000` of `registry.example.com:5000/team/app:v2`; what names no host is Docker Hub's. */
function registryOf(reference: string): string {
  const [host = "", ...path] = reference.split("/");
  return path.length > 0 && (/[.:]/.test(host) || host === "localhost") ? host : "docker.io";
}
