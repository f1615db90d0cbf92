import type { ContainerInspect } from "@pouchcontainer/api";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { attachTo, awaitExit } from "../../container/attached.ts";
import { detachKeysOf } from "../../container/detach-keys.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { proxySignals } from "../../streams/signal-proxy.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  args: exactArgs(1),
  flags: {
    "detach-keys": text("Override the key sequence for detaching a container"),
    "no-stdin": bool("Do not attach STDIN"),
    "sig-proxy": bool("Proxy all received signals to the process", { default: true }),
  },
  examples: [
    { does: "Connect to a running container; ctrl-p ctrl-q lets go of it", run: "pouch attach shell" },
    { does: "Only watch", run: "pouch attach --no-stdin --sig-proxy=false web" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const { Id: id, State, Config } = await engine.getJson<ContainerInspect>(`/containers/${inPath(argument(args, 0))}/json`);
    if (!State.Running) throw new CliError("You cannot attach to a stopped container, start it first");
    if (State.Paused) throw new CliError("You cannot attach to a paused container, unpause it first");
    if (State.Restarting) throw new CliError("You cannot attach to a restarting container, wait until it is running");

    const tty = Config.Tty === true;
    const stdin = !flags["no-stdin"] && Config.OpenStdin === true;
    if (tty && stdin && !context.stdin().isTTY) throw new CliError("the input device is not a TTY");
    const unproxy = flags["sig-proxy"] && !tty ? proxySignals(context, id) : () => undefined;
    try {
      const exit = await awaitExit(engine, id, "next-exit");
      const session = await attachTo(context, engine, {
        id,
        tty,
        stdin,
        stdout: true,
        stderr: true,
        detachKeys: detachKeysOf(context, flags["detach-keys"]),
      });
      void session.sendSize();
      if ((await session.done) === "detached") {
        context.err.write("read escape sequence\n");
        return 0;
      }
      return await exit.status;
    } finally {
      unproxy();
    }
  },
});
