import type { ContainerInspect } from "@pouchcontainer/api";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, minArgs } from "../../command.ts";
import { attachTo, awaitExit } from "../../container/attached.ts";
import { detachKeysOf } from "../../container/detach-keys.ts";
import type { CliContext } from "../../context.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { forEachNameInTurn, inPath } from "../../for-each-name.ts";
import { proxySignals } from "../../streams/signal-proxy.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: minArgs(1),
  flags: {
    attach: bool("Attach STDOUT/STDERR and forward signals", { short: "a" }),
    "detach-keys": text("Override the key sequence for detaching a container"),
    interactive: bool("Attach container's STDIN", { short: "i" }),
  },
  examples: [
    { does: "Start what was created or stopped", run: "pouch start web db" },
    { does: "Start it and stay connected", run: "pouch start -ai shell" },
  ],
  async run(context, { flags, args }) {
    if (flags.attach || flags.interactive) {
      if (args.length > 1) throw new CliError("you cannot start and attach multiple containers at once");
      return await startAttached(context, argument(args, 0), flags);
    }
    const engine = await context.engine();
    return await forEachNameInTurn(context, args, async (name) => {
      await engine.postAndForget(`/containers/${inPath(name)}/start`);
      return name;
    });
  },
});

async function startAttached(
  context: CliContext,
  name: string,
  flags: { "detach-keys": string | undefined; interactive: boolean },
): Promise<number> {
  const engine = await context.engine();
  const { Id: id, Config, HostConfig } = await engine.getJson<ContainerInspect>(`/containers/${inPath(name)}/json`);
  const tty = Config.Tty === true;
  const detachKeys = detachKeysOf(context, flags["detach-keys"]);
  const stdin = flags.interactive && Config.OpenStdin === true;
  const unproxy = tty ? () => undefined : proxySignals(context, id);
  try {
    const session = await attachTo(context, engine, { id, tty, stdin, stdout: true, stderr: true, detachKeys });
    const exit = await awaitExit(engine, id, HostConfig.AutoRemove === true ? "removed" : "next-exit");
    try {
      await engine.postAndForget(`/containers/${id}/start`);
    } catch (error) {
      session.close();
      exit.cancel();
      throw error;
    }
    void session.sendSize();
    if ((await session.done) === "detached") {
      context.err.write("read escape sequence\n");
      return 0;
    }
    return await exit.status;
  } finally {
    unproxy();
  }
}
