import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import { catchLostErrors } from "@pouchcontainer/owners";
import { authorsStack } from "./authors-stack.ts";
import { provideSdk } from "./sdk-module.ts";
import { servePlugin } from "./serve-plugin.ts";
import { serveSharedProcess } from "./serve-shared-process.ts";
import { sharedProcessArgument } from "./shared-process.ts";
import { wireEnvironment } from "./wire.ts";

/**
 * The main function of a plugin's process: serves the plugin in `directory`, or for `sharedProcessArgument` those that the daemon brings,
 * until it is killed. The daemon's executable runs it when it is started as a plugin host.
 */
export async function runPluginProcess(directory: string): Promise<void> {
  const fail = (what: string, error: unknown): never => {
    const stack = authorsStack(error);
    const where = stack === undefined ? "" : `\n${stack}`;
    process.stderr.write(`${what}: ${messageChain(error)}${where}\n`.replaceAll(/^(?=.)/gm, "<3>"));
    process.exit(1);
  };
  // The state of a process in which something was thrown and not caught is unknown: the daemon starts a new one.
  catchLostErrors(({ error, origin }) => fail(words[origin], error));
  provideSdk();
  try {
    const socketPath = given(wireEnvironment.socket);
    if (directory === sharedProcessArgument) await serveSharedProcess(socketPath);
    else await serveAlone(directory, socketPath);
  } catch (error) {
    fail("cannot serve the plugin", error);
  }
}

const words = {
  background: "a failure of what nobody waits for",
  uncaughtException: "uncaught exception",
  unhandledRejection: "unhandled rejection",
};

async function serveAlone(directory: string, socketPath: string): Promise<void> {
  await servePlugin({
    directory,
    socketPath,
    hostSocket: given(wireEnvironment.hostSocket),
    environment: process.env,
    write: (line) => process.stdout.write(line),
    enter: (code) => code(),
  });
}

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw invalidArgument(`${name} must be set: the daemon starts plugin processes`);
  return value;
}
