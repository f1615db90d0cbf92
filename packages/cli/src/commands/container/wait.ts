import type { ContainerWaitResponse } from "@pouchcontainer/api";
import { CliError } from "../../cli-error.ts";
import { defineCommand, minArgs } from "../../command.ts";
import { forEachNameInTurn, inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  args: minArgs(1),
  flags: {},
  examples: [{ does: "Print the exit status when it ends", run: "pouch wait job" }],
  async run(context, { args }) {
    const engine = await context.engine();
    return await forEachNameInTurn(context, args, async (name) => {
      const result = await engine.postJson<ContainerWaitResponse>(`/containers/${inPath(name)}/wait`);
      if (result.Error?.Message) throw new CliError(result.Error.Message);
      return String(result.StatusCode);
    });
  },
});
