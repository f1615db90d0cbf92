import { createReadStream } from "node:fs";
import { access, constants } from "node:fs/promises";
import { CliError, messageOf } from "../cli-error.ts";

/** An archive's bytes; one that cannot be read is told before anything is sent. It is opened when it is read: nobody hears a stream before. */
export async function openArchive(path: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw unreadable(path, error);
  }
  return bytesOf(path);
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 1024 * 1024 });
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): CliError {
  return new CliError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
}
