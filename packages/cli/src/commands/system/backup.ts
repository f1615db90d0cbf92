import { open, rm } from "node:fs/promises";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { decimalSize } from "../../output/units.ts";

export const command = defineCommand({
  usage: "FILE",
  description:
    "The file holds every record of the daemon, environments of containers included: it is made readable by you alone, and never overwrites another. To go back to it, stop the daemon, put the file in place of HOME/pouch.db, remove HOME/pouch.db-wal and HOME/pouch.db-shm, and start it.",
  args: exactArgs(1),
  flags: {},
  examples: [{ does: "A copy for every day", run: "pouch system backup /backup/pouch-$(date +%F).db" }],
  async run(context, { args }) {
    const path = argument(args, 0);
    const file = await open(path, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
      throw new CliError(
        error.code === "EEXIST" ? `${path} exists already: name another file` : `cannot make ${path}: ${error.message}`,
      );
    });
    try {
      const engine = await context.engine();
      const response = await engine.get("/system/backup");
      let written = 0;
      for await (const chunk of response.chunks()) {
        await file.writeFile(chunk);
        written += chunk.length;
        if (context.err.isTTY) context.err.write(Buffer.from(`\r${decimalSize(written)}\u001B[K`));
      }
      await file.sync();
      if (context.err.isTTY) context.err.write(Buffer.from("\r\u001B[K"));
      context.out.write(`${path}: ${decimalSize(written)}\n`);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
  },
});
