import { defineCommand, minArgs } from "../../command.ts";
import { text } from "../../flags/flag-types.ts";
import { platformQuery } from "../../image/platform.ts";
import { saveBody } from "../../output/save-body.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: minArgs(1),
  flags: {
    output: text("Write to a file, instead of STDOUT", { short: "o" }),
    platform: text("Save only the given platform variant (os[/arch[/variant]])"),
  },
  examples: [{ does: "Two images in one archive", run: "pouch save -o images.tar busybox alpine" }],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    await saveBody(context, flags.output, () =>
      engine.get("/images/get", { query: { names: args, platform: platformQuery(flags.platform) } }),
    );
  },
});
