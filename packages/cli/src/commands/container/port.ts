import type { ContainerInspect } from "@pouchcontainer/api";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, rangeArgs } from "../../command.ts";
import { hostAddress } from "../../container/port-text.ts";
import { inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  args: rangeArgs(1, 2),
  flags: {},
  examples: [
    { does: "All published ports", run: "pouch port web" },
    { does: "Where port 80 is reached on the host", run: "pouch port web 80/tcp" },
  ],
  async run(context, { args }) {
    const engine = await context.engine();
    const name = argument(args, 0);
    const { NetworkSettings } = await engine.getJson<ContainerInspect>(`/containers/${inPath(name)}/json`);
    const ports = Object.entries(NetworkSettings.Ports ?? {});
    const wanted = args[1] === undefined ? undefined : args[1].includes("/") ? args[1] : `${args[1]}/tcp`;
    if (wanted !== undefined) {
      const bindings = ports.find(([port]) => port === wanted)?.[1] ?? [];
      if (bindings.length === 0) throw new CliError(`no public port '${wanted}' published for ${name}`);
      context.out.write(bindings.map((one) => `${hostAddress(one.HostIp ?? "")}:${one.HostPort}\n`).join(""));
      return;
    }
    const lines = ports.flatMap(([port, bindings]) =>
      (bindings ?? []).map((one) => `${port} -> ${hostAddress(one.HostIp ?? "")}:${one.HostPort}\n`),
    );
    context.out.write(lines.sort().join(""));
  },
});
