import type { ContainerUpdateConfig, ContainerUpdateResponse } from "@pouchcontainer/api";
import { UsageError } from "../../cli-error.ts";
import { defineCommand, minArgs } from "../../command.ts";
import { diskQuota, limitsPart } from "../../container/create-body.ts";
import { limitFlags } from "../../container/create-flags.ts";
import { parseBytes } from "../../flags/value-parsers.ts";
import { list, map, parsed } from "../../flags/flag-types.ts";
import { forEachNameInTurn, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: minArgs(1),
  flags: {
    ...limitFlags,
    annotation: map("Set an annotation for the runtime"),
    "disk-quota": map("Size of a folder in the container (/=10g), or of everything (10g)"),
    env: list("Set environment variables; a name alone removes one", { short: "e" }),
    "kernel-memory": parsed("Kernel memory limit", parseBytes, { placeholder: "bytes" }),
    label: list("Set labels", { short: "l" }),
  },
  examples: [
    { does: "Change the limits of a running container", run: "pouch update -m 512m --memory-swap 1g --cpus 1.5 web" },
    { does: "Start it again whenever it fails, three times at most", run: "pouch update --restart on-failure:3 web" },
  ],
  async run(context, { flags, given, args }) {
    if (given.size === 0) throw new UsageError("you must provide one or more flags when using this command");
    const body: ContainerUpdateConfig = {
      ...limitsPart(flags),
      ...(flags["kernel-memory"] === undefined ? {} : { KernelMemory: flags["kernel-memory"] }),
      ...(flags.restart === undefined ? {} : { RestartPolicy: flags.restart }),
      ...(flags.env.length === 0 ? {} : { Env: flags.env }),
      ...(flags.label.length === 0 ? {} : { Label: flags.label }),
      ...(given.has("disk-quota") ? { DiskQuota: diskQuota(flags["disk-quota"]) } : {}),
      ...(given.has("annotation") ? { SpecAnnotation: flags.annotation } : {}),
    };
    const engine = await context.engine();
    return await forEachNameInTurn(context, args, async (name) => {
      const { Warnings } = await engine.postJson<ContainerUpdateResponse>(`/containers/${inPath(name)}/update`, { json: body });
      for (const warning of Warnings ?? []) context.err.write(`WARNING: ${warning}\n`);
      return name;
    });
  },
});
