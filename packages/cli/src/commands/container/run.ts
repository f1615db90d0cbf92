import type { ContainerInspect } from "@pouchcontainer/api";
import { UsageError, CliError } from "../../cli-error.ts";
import { argument, defineCommand, minArgs } from "../../command.ts";
import { attachTo, awaitExit } from "../../container/attached.ts";
import { createBody } from "../../container/create-body.ts";
import type { CreateFlagValues } from "../../container/create-body.ts";
import { createContainer } from "../../container/create-container.ts";
import { createFlags } from "../../container/create-flags.ts";
import { detachKeysOf } from "../../container/detach-keys.ts";
import { asStartFailure } from "../../container/start-status.ts";
import type { CliContext } from "../../context.ts";
import type { EngineClient } from "../../client/engine-client.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { proxySignals } from "../../streams/signal-proxy.ts";

interface Streams {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
}

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  args: minArgs(1),
  stopAtFirstArg: true,
  flags: {
    ...createFlags,
    detach: bool("Run container in background and print container ID", { short: "d" }),
    "detach-keys": text("Override the key sequence for detaching a container"),
    "sig-proxy": bool("Proxy received signals to the process", { default: true }),
  },
  examples: [
    { does: "A shell, gone when it ends", run: "pouch run -it --rm busybox sh" },
    { does: "A service in the background with a published port", run: "pouch run -d --name web -p 8080:80 nginx" },
    { does: "With limits", run: "pouch run --rm -m 64m --cpus 0.5 busybox cat /sys/fs/cgroup/memory.max" },
    {
      does: "The same limit, seen on a host with cgroup v1",
      run: "pouch run --rm -m 64m --cpus 0.5 busybox cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
    },
  ],
  async run(context, { flags, given, args }) {
    const streams = attachedStreams(flags);
    const size = flags.tty ? context.out.size() : undefined;
    const body = createBody({
      flags,
      given,
      image: argument(args, 0),
      command: args.slice(1),
      env: context.env,
      folder: process.cwd(),
      attach: streams,
    });
    if (size !== undefined && body.HostConfig !== undefined) body.HostConfig.ConsoleSize = [size.height, size.width];
    if (flags.tty && streams.stdin && !context.stdin().isTTY)
      throw new CliError("the input device is not a TTY", { exitCode: 1 });

    try {
      const id = await createContainer(context, {
        body,
        name: flags.name,
        platform: flags.platform,
        pull: flags.pull,
        quiet: flags.quiet,
        idFile: flags.cidfile,
      });
      if (flags.detach) {
        await (await context.engine()).postAndForget(`/containers/${id}/start`);
        context.out.write(`${id}\n`);
        return 0;
      }
      return await runAttached(context, id, flags, streams);
    } catch (error) {
      throw asStartFailure(error, "run");
    }
  },
});

/** Which streams to attach: those named with -a, or output always and input with -i; none in the background. */
function attachedStreams(flags: CreateFlagValues & { detach: boolean }): Streams {
  if (flags.detach) {
    if (flags.attach.length > 0)
      throw new UsageError("conflicting options: cannot attach and detach at the same time", { exitCode: 125 });
    return { stdin: false, stdout: false, stderr: false };
  }
  const asked = flags.attach.map((one) => one.toLowerCase());
  const unknown = asked.find((one) => !["stdin", "stdout", "stderr"].includes(one));
  if (unknown !== undefined) {
    throw new UsageError(`invalid argument "${unknown}" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR`, {
      exitCode: 125,
    });
  }
  if (asked.length === 0) return { stdin: flags.interactive, stdout: true, stderr: true };
  return { stdin: asked.includes("stdin"), stdout: asked.includes("stdout"), stderr: asked.includes("stderr") };
}

async function runAttached(
  context: CliContext,
  id: string,
  flags: CreateFlagValues & { "detach-keys": string | undefined; "sig-proxy": boolean },
  streams: Streams,
): Promise<number> {
  const engine = await context.engine();
  const detachKeys = detachKeysOf(context, flags["detach-keys"]);
  // What a plugin of the daemon made of --rm.
  const removed = flags.rm && (await isRemovedAtItsEnd(engine, id));
  const unproxy = flags["sig-proxy"] && !flags.tty ? proxySignals(context, id) : () => undefined;
  try {
    // Attached and waiting before it starts: no output and no exit is missed.
    const [session, exit] = await Promise.all([
      attachTo(context, engine, { id, tty: flags.tty, ...streams, detachKeys }),
      awaitExit(engine, id, removed ? "removed" : "next-exit"),
    ]);
    try {
      await engine.postAndForget(`/containers/${id}/start`);
    } catch (error) {
      session.close();
      if (removed) await Promise.race([exit.status, new Promise((resolve) => setTimeout(resolve, 1000))]);
      throw error;
    }
    void session.sendSize();
    const outcome = await session.done;
    if (outcome === "detached") {
      context.err.write("read escape sequence\n");
      return 0;
    }
    return await exit.status;
  } finally {
    unproxy();
  }
}

async function isRemovedAtItsEnd(engine: EngineClient, id: string): Promise<boolean> {
  const { HostConfig } = await engine.getJson<ContainerInspect>(`/containers/${inPath(id)}/json`);
  return HostConfig.AutoRemove === true;
}
