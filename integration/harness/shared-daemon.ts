import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { Daemon } from "./daemon.ts";

/** A daemon for all tests of a file, and a folder for what they write. Both are gone after the last of them. */
export async function sharedDaemon(name: string): Promise<{ daemon: Daemon; scratch: string }> {
  const daemon = await Daemon.start();
  const scratch = mkdtempSync(join(tmpdir(), `pouch-${name}-`));
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });
  return { daemon, scratch };
}
