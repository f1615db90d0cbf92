import {
  getEnv,
  invalidArgument,
  registerContainerPlugin,
  unsetEnv,
  type ContainerCreateConfig,
} from "@pouchcontainer/plugin-sdk";
import { parseSize } from "./parse-size.ts";

type HostConfig = ContainerCreateConfig["HostConfig"];

/** What each variable means. A limit that the request sets itself wins: the variable is the old way. */
const translations: Record<string, (host: HostConfig, value: string) => void> = {
  LEGACY_MEM: (host, value) => {
    host.Memory ||= parseSize("LEGACY_MEM", value);
  },
  LEGACY_MEM_SWAP: (host, value) => {
    host.MemorySwap ||= value === "-1" ? -1 : parseSize("LEGACY_MEM_SWAP", value);
  },
  LEGACY_CPU: (host, value) => {
    host.NanoCpus ||= Math.round(positive("LEGACY_CPU", value) * 1e9);
  },
  LEGACY_CPU_SHARES: (host, value) => {
    host.CpuShares ||= Math.round(positive("LEGACY_CPU_SHARES", value));
  },
  LEGACY_CPUSET: (host, value) => {
    host.CpusetCpus ||= value;
  },
  LEGACY_PIDS: (host, value) => {
    host.PidsLimit ||= Math.round(positive("LEGACY_PIDS", value));
  },
};

function positive(variable: string, text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number <= 0)
    throw invalidArgument(`${variable} must be a number above 0, got "${text}"`);
  return number;
}

registerContainerPlugin({
  preCreate(config, { configuration }) {
    for (const [variable, translate] of Object.entries(translations)) {
      const value = getEnv(config.Env, variable);
      if (value === undefined) continue;
      translate(config.HostConfig, value);
      if (configuration["keepVariables"] === false && config.Env !== undefined) unsetEnv(config.Env, variable);
    }
  },
});
