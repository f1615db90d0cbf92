import { open, rename, rm } from "node:fs/promises";
import type { EngineResponse } from "../client/engine-client.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext } from "../context.ts";
import { checkOutputPath } from "./output-path.ts";

/** Writes an answer to a file (whole or not at all) or to standard output, which must not be a terminal. */
export async function saveBody(
  context: CliContext,
  file: string | undefined,
  request: () => Promise<EngineResponse>,
): Promise<void> {
  if (file === undefined || file === "") {
    if (context.out.isTTY) throw new CliError("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    for await (const chunk of (await request()).chunks()) context.out.write(chunk);
    return;
  }
  if ((await checkOutputPath(file))?.isDirectory() === true)
    throw new CliError(`invalid output path: ${JSON.stringify(file)} is a directory: name a file`);
  const body = await request();
  const draft = `${file}.${process.pid}.partial`;
  const handle = await open(draft, "w", 0o600);
  try {
    for await (const chunk of body.chunks()) await handle.writeFile(chunk);
    await handle.close();
    await rename(draft, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw error;
  }
}
