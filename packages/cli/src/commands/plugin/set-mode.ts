import { changePlugin } from "../../change-plugin.ts";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { inPath } from "../../for-each-name.ts";

export const command = defineCommand({
  usage: "PLUGIN active|shadow",
  args: exactArgs(2),
  flags: {},
  description:
    "In shadow mode a plugin is called beside real operations, which do not wait for it; what it would change or refuse is checked, traced and counted, and not applied. It is started anew in either mode.",
  examples: [
    { does: "Let what it does count from now on", run: "pouch plugin set-mode legacy-env active" },
    { does: "See what it would do, and have nothing of it done", run: "pouch plugin set-mode legacy-env shadow" },
  ],
  async run(context, { args }) {
    const [name, mode] = [argument(args, 0), argument(args, 1)];
    if (mode !== "active" && mode !== "shadow") throw new CliError(`a plugin's mode is active or shadow, not "${mode}"`);
    const path = `/plugins/${inPath(name)}/mode`;
    await changePlugin(context, name, (engine, signal) => engine.postAndForget(path, { json: { mode }, signal }));
    context.out.write(`${name}\n`);
  },
});
