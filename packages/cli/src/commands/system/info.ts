import type { SystemInfo } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import { text } from "../../flags/flag-types.ts";
import { compile } from "../../output/listing.ts";
import { writeData } from "../../output/output.ts";
import { binarySize } from "../../output/units.ts";
import { toJson } from "../../template/functions.ts";
import { clientVersion } from "../../version.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: { format: text("Print with a Go template, or as 'json'", { short: "f" }) },
  examples: [
    { does: "Everything about the daemon and its host", run: "pouch info" },
    { does: "The storage driver", run: "pouch info -f '{{.Driver}}'" },
  ],
  async run(context, { flags }) {
    const engine = await context.engine();
    const info = await engine.getJson<SystemInfo>("/info");
    if (flags.format === "json") context.out.write(`${toJson(info)}\n`);
    else if (flags.format !== undefined && flags.format !== "") writeData(context.out, `${compile(flags.format).render(info)}\n`);
    else {
      context.out.write(infoText(info));
      for (const warning of info.Warnings ?? []) context.err.write(`${warning}\n`);
    }
  },
});

/** `label: value`, left out for a value that is empty. */
const line = (depth: number, label: string, value: string | number | undefined | null): string[] =>
  value === undefined || value === null || value === "" ? [] : [`${" ".repeat(depth)}${label}: ${value}`];

function infoText(info: SystemInfo): string {
  const lines = [
    "Client:",
    ` Version: ${clientVersion}`,
    "",
    "Server:",
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ` Images: ${info.Images}`,
    ...line(1, "Server Version", info.ServerVersion),
    ...line(1, "Storage Driver", info.Driver),
    ...(info.DriverStatus ?? []).flatMap(([key = "", value]) => line(2, key, value)),
    ...line(1, "Logging Driver", info.LoggingDriver),
    ...line(1, "Cgroup Driver", info.CgroupDriver),
    ...line(1, "Cgroup Version", info.CgroupVersion),
    " Plugins:",
    ...line(2, "Volume", info.Plugins.Volume?.join(" ")),
    ...line(2, "Network", info.Plugins.Network?.join(" ")),
    ...line(2, "Authorization", info.Plugins.Authorization?.join(" ")),
    ...line(2, "Log", info.Plugins.Log?.join(" ")),
    ...line(1, "Runtimes", Object.keys(info.Runtimes ?? {}).join(" ")),
    ...line(1, "Default Runtime", info.DefaultRuntime),
    ...line(1, "Init Binary", info.InitBinary),
    ...line(1, "containerd version", info.ContainerdCommit?.ID),
    ...line(1, "runc version", info.RuncCommit?.ID),
    ...line(1, "init version", info.InitCommit?.ID),
    ...securityLines(info.SecurityOptions ?? []),
    ...line(1, "Kernel Version", info.KernelVersion),
    ...line(1, "Operating System", info.OperatingSystem),
    ...line(1, "OSType", info.OSType),
    ...line(1, "Architecture", info.Architecture),
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${binarySize(info.MemTotal)}`,
    ...line(1, "Name", info.Name),
    ...line(1, "ID", info.ID),
    ...line(1, "Root Dir", info.DockerRootDir),
    ` Debug Mode: ${info.Debug}`,
    ...line(1, "HTTP Proxy", info.HttpProxy),
    ...line(1, "HTTPS Proxy", info.HttpsProxy),
    ...line(1, "No Proxy", info.NoProxy),
    ...((info.Labels ?? []).length === 0 ? [] : [" Labels:", ...info.Labels.map((one) => `  ${one}`)]),
    ` Experimental: ${info.ExperimentalBuild}`,
    ...registryLines(info),
    ` Live Restore Enabled: ${info.LiveRestoreEnabled}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** `name=seccomp,profile=default` as a heading and its facts. */
function securityLines(options: readonly string[]): string[] {
  if (options.length === 0) return [];
  const blocks = options.flatMap((option) => {
    const pairs = option.split(",").map((one) => one.split("="));
    const name = pairs.find(([key]) => key === "name")?.[1] ?? option;
    return [
      `  ${name}`,
      ...pairs
        .filter(([key]) => key !== "name")
        .map(([key = "", value = ""]) => `   ${key === "profile" ? "Profile" : key}: ${value}`),
    ];
  });
  return [" Security Options:", ...blocks];
}

function registryLines({ RegistryConfig: config }: SystemInfo): string[] {
  if (config === null || config === undefined) return [];
  const insecure = [
    ...Object.values(config.IndexConfigs ?? {})
      .filter((one) => !one.Secure)
      .map((one) => one.Name),
    ...(config.InsecureRegistryCIDRs ?? []),
  ];
  const list = (heading: string, items: readonly string[]): string[] =>
    items.length === 0 ? [] : [` ${heading}:`, ...items.map((one) => `  ${one}`)];
  return [...list("Insecure Registries", insecure), ...list("Registry Mirrors", config.Mirrors ?? [])];
}
