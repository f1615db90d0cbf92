import type { ExecCreateConfig, ExecCreateResponse, ExecInspect } from "@pouchcontainer/api";
import { CliError } from "../../cli-error.ts";
import { argument, defineCommand, minArgs } from "../../command.ts";
import { detachKeysOf } from "../../container/detach-keys.ts";
import { readEnv } from "../../container/list-text.ts";
import { bool, list, text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { openSession } from "../../streams/session.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  args: minArgs(2),
  stopAtFirstArg: true,
  flags: {
    detach: bool("Detached mode: run command in the background", { short: "d" }),
    "detach-keys": text("Override the key sequence for detaching a container"),
    env: list("Set environment variables", { short: "e" }),
    "env-file": list("Read in a file of environment variables"),
    interactive: bool("Keep STDIN open even if not attached", { short: "i" }),
    privileged: bool("Give extended privileges to the command"),
    tty: bool("Allocate a pseudo-TTY", { short: "t" }),
    user: text("Username or UID (format: <name|uid>[:<group|gid>])", { short: "u" }),
    workdir: text("Working directory inside the container", { short: "w" }),
  },
  examples: [
    { does: "A shell beside the container's own process", run: "pouch exec -it web sh" },
    { does: "One command with a variable, as another user", run: "pouch exec -e LANG=C -u nobody web id" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const stdin = flags.interactive && !flags.detach;
    if (flags.tty && stdin && !context.stdin().isTTY) throw new CliError("the input device is not a TTY");
    const keys = detachKeysOf(context, flags["detach-keys"]);
    const size = flags.tty ? context.out.size() : undefined;
    const consoleSize = size === undefined ? {} : { ConsoleSize: [size.height, size.width] };
    const body: ExecCreateConfig = {
      AttachStdin: stdin,
      AttachStdout: !flags.detach,
      AttachStderr: !flags.detach,
      Tty: flags.tty,
      Cmd: args.slice(1),
      DetachKeys: keys.text,
      Privileged: flags.privileged,
      Env: readEnv(flags.env, flags["env-file"], context.env),
      ...(flags.user === undefined ? {} : { User: flags.user }),
      ...(flags.workdir === undefined ? {} : { WorkingDir: flags.workdir }),
      ...consoleSize,
    };
    const { Id: id } = await engine.postJson<ExecCreateResponse>(`/containers/${inPath(argument(args, 0))}/exec`, { json: body });
    const start = { Detach: flags.detach, Tty: flags.tty, ...consoleSize };
    if (flags.detach) {
      await engine.postAndForget(`/exec/${id}/start`, { json: start });
      return 0;
    }
    const stream = await engine.hijack(`/exec/${id}/start`, { json: start });
    const session = await openSession(context, {
      stream,
      tty: flags.tty,
      stdin,
      detachKeys: keys.bytes,
      resize: async ({ width, height }) => await engine.postAndForget(`/exec/${id}/resize`, { query: { h: height, w: width } }),
    });
    void session.sendSize();
    if ((await session.done) === "detached") {
      context.err.write("read escape sequence\n");
      return 0;
    }
    const { ExitCode } = await engine.getJson<ExecInspect>(`/exec/${id}/json`);
    return ExitCode ?? 0;
  },
});
