import { messageChain } from "@pouchcontainer/errors";
import { provideSdk } from "./sdk-module.ts";
import { servePlugin } from "./serve-plugin.ts";

/**
 * The main function of a plugin's process: serves the plugin in `directory` until it is killed. The daemon's executable runs it when
 * it is started as a plugin host.
 */
export async function runPluginProcess(directory: string): Promise<void> {
  const fail = (what: string, error: unknown): never => {
    const where = error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : "";
    process.stderr.write(`${what}: ${messageChain(error)}${where}\n`.replaceAll(/^(?=.)/gm, "<3>"));
    process.exit(1);
  };
  // The state of a process in which something was thrown and not caught is unknown: the daemon starts a new one.
  process.on("uncaughtException", (error) => fail("uncaught exception", error));
  process.on("unhandledRejection", (error) => fail("unhandled rejection", error));
  provideSdk();
  try {
    await servePlugin({ directory, environment: process.env, write: (line) => process.stdout.write(line) });
  } catch (error) {
    fail("cannot serve the plugin", error);
  }
}
