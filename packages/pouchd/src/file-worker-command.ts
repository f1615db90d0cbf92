import { ownCommand } from "./own-command.ts";

/** First argument that makes the executable work on containers' files instead of being the daemon. */
export const fileWorkerArgument = "file-worker";

/** How a file worker is run. The folder is an empty one that it may mount on, where nobody else sees it. */
export const fileWorkerCommand = (folder: string): { command: string; args: string[] } => ownCommand(fileWorkerArgument, folder);
