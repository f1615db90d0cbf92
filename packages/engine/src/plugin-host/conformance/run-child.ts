/** The main function of a TypeScript plugin's process in tests; the daemon's executable has one of its own. */
import { runPluginProcess } from "@pouchcontainer/plugin-sdk/host";

await runPluginProcess(process.argv[2] ?? ".");
