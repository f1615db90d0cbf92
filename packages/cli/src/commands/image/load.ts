import { openArchive } from "../../archive/open-archive.ts";
import { CliError } from "../../cli-error.ts";
import { defineCommand, noArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { platformQuery } from "../../image/platform.ts";
import { writeText } from "../../output/output.ts";
import { showProgress } from "../../progress-stream.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    input: text("Read from tar archive file, instead of STDIN", { short: "i" }),
    platform: text("Load only the given platform variant (os[/arch[/variant]])"),
    quiet: bool("Suppress the load output", { short: "q" }),
  },
  examples: [
    { does: "Images of an archive", run: "pouch load -i images.tar" },
    { does: "From another engine", run: "docker save busybox | pouch load" },
  ],
  async run(context, { flags }) {
    const file = flags.input;
    if (file === undefined && context.stdin().isTTY) throw new CliError("requested load from stdin, but stdin is empty");
    const body = file === undefined ? context.stdin() : await openArchive(file);
    const engine = await context.engine();
    const abort = new AbortController();
    const undo = context.onInterrupt(() => abort.abort());
    try {
      const quiet = flags.quiet || !context.out.isTTY;
      const answer = await engine.post("/images/load", {
        query: { quiet: quiet ? 1 : 0, platform: platformQuery(flags.platform) },
        body,
        signal: abort.signal,
      });
      const isJson = (answer.head.headers.get("content-type") ?? "").startsWith("application/json");
      if (isJson) await showProgress(answer.chunks(), context.out);
      else await writeText(context.out, answer.chunks());
    } catch (error) {
      if (abort.signal.aborted) throw new CliError("", { exitCode: 130 });
      throw error;
    } finally {
      undo();
    }
  },
});
