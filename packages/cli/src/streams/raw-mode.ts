import { spawnSync } from "node:child_process";
import type { CliContext } from "../context.ts";

/**
 * Puts the terminal into raw mode and returns what takes it back. The way back is also taken when the process ends by an exit, an
 * error nobody caught, or a signal that can be caught.
 *
 * The runtime's raw mode keeps output processing on, which turns the line feeds of a full-screen program into new lines at the left
 * edge; `stty` switches it off, and the runtime restores what it saved before, all of it.
 */
export function enterRawMode(context: CliContext): () => void {
  const stdin = context.stdin();
  stdin.setRawMode(true);
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  let raw = true;
  const restore = (): void => {
    if (!raw) return;
    raw = false;
    stdin.setRawMode(false);
    for (const undo of undos) undo();
  };
  const dieOf = (status: number) => (): void => {
    restore();
    process.exit(128 + status);
  };
  const undos = [
    context.onExit(restore),
    context.onSignal("SIGHUP", dieOf(1)),
    context.onSignal("SIGINT", dieOf(2)),
    context.onSignal("SIGQUIT", dieOf(3)),
    context.onSignal("SIGTERM", dieOf(15)),
  ];
  return restore;
}
