import { CliError, messageOf } from "../../cli-error.ts";
import { argument, defineCommand, rangeArgs } from "../../command.ts";
import type { CliContext } from "../../context.ts";
import { bool } from "../../flags/flag-types.ts";
import { readNamed } from "../../named-file.ts";
import { callText } from "../../plugin-calls.ts";
import type { PluginCall } from "../../plugin-calls.ts";

interface DryRunAnswer {
  calls: PluginCall[];
  body?: unknown;
  error?: string;
}

export const command = defineCommand({
  usage: "[OPTIONS] POINT [FILE|-]",
  args: rangeArgs(1, 2),
  flags: { json: bool("Print the daemon's answer as JSON") },
  description: "Runs the chain of a point on a JSON body and prints what each plugin would change. Nothing is created.",
  examples: [
    {
      does: "What would become of this container",
      run: `echo '{"Image":"busybox","Env":["LEGACY_MEM=64m"]}' | pouch plugin dry-run container.preCreate -`,
    },
    { does: "The body from a file", run: "pouch plugin dry-run volume.preVolumeCreate volume.json" },
  ],
  async run(context, { flags, args }) {
    const body = await readBody(context, args[1] === undefined ? "-" : argument(args, 1));
    const engine = await context.engine();
    const answer = await engine.postJson<DryRunAnswer>("/plugins/dry-run", { json: { point: argument(args, 0), body } });
    if (flags.json) {
      context.out.write(`${JSON.stringify(answer, null, 4)}\n`);
      return answer.error === undefined ? 0 : 1;
    }
    const calls = answer.calls ?? [];
    context.out.write(calls.length === 0 ? "No plugin is called at this point for this body.\n" : calls.map(callText).join(""));
    if (answer.error === undefined) return 0;
    context.err.write(`${answer.error}\n`);
    return 1;
  },
});

async function readBody(context: CliContext, source: string): Promise<unknown> {
  const text = await readNamed(context, source);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`${source === "-" ? "standard input" : source} is not JSON: ${messageOf(error)}`);
  }
}
