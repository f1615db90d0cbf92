import { argument, defineCommand, exactArgs } from "../../command.ts";
import { CliError } from "../../cli-error.ts";
import { completionScript, shells } from "../../completion.ts";

export const command = defineCommand({
  usage: "bash|zsh|fish",
  args: exactArgs(1),
  flags: {},
  examples: [
    { does: "For this bash", run: "source <(pouch completion bash)" },
    { does: "For every fish", run: "pouch completion fish > ~/.config/fish/completions/pouch.fish" },
  ],
  async run(context, { args, commands }) {
    const given = argument(args, 0);
    const shell = shells.find((one) => one === given);
    if (shell === undefined) throw new CliError(`unknown shell "${given}": ${shells.join(", ")} are known`);
    context.out.write(await completionScript(shell, commands));
  },
});
