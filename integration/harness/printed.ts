import assert from "node:assert/strict";
import type { Daemon } from "./daemon.ts";

/** What a client's command prints that succeeds, without blanks around it; one that does not fails the test with its words and the end of the daemon's log. */
export async function printed(daemon: Daemon, client: "docker" | "pouch", ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await daemon[client](...args);
  assert.equal(code, 0, `${client} ${args.join(" ")}: ${stdout}${stderr}\n${daemon.log.slice(-3000)}`);
  return stdout.trim();
}
