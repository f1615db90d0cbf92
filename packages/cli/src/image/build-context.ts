import { BadGlob, IgnoreRules } from "@pouchcontainer/files/ignore";
import { randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { packFolder } from "../archive/pack-folder.ts";
import { CliError, messageOf } from "../cli-error.ts";

/** What is sent for a build, and which file in it is the Dockerfile. */
export interface SentContext {
  body?: AsyncIterable<Uint8Array>;
  remote?: string;
  dockerfile?: string;
}

const ignoreName = ".dockerignore";

/**
 * What is to be built: a folder, without what its `.dockerignore` leaves out; `-`, an archive or a Dockerfile on standard input; or
 * an address, which the daemon asks. A Dockerfile may lie beside the folder, or come from standard input.
 */
export async function buildContext(source: string, file: string | undefined, stdin: NodeJS.ReadStream): Promise<SentContext> {
  if (/^https?:\/\//.test(source)) return { remote: source, ...(file !== undefined && { dockerfile: file }) };
  if (source === "-") {
    if (file === "-") throw new CliError("invalid argument: can't use stdin for both build context and dockerfile");
    return await fromStdin(stdin, file);
  }
  return await fromFolder(source, file, stdin);
}

async function fromStdin(stdin: NodeJS.ReadStream, file: string | undefined): Promise<SentContext> {
  if (stdin.isTTY) throw new CliError("requested a context from stdin, but stdin is a terminal");
  const chunks = stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const first = await chunks.next();
  const head = first.done === true ? Buffer.alloc(0) : Buffer.from(first.value);
  const body = joined(head, chunks);
  if (isArchive(head)) return { body, ...(file !== undefined && { dockerfile: file }) };
  const text = (await buffer(Readable.from(body, { objectMode: false }))).toString();
  return { body: onlyFiles({ Dockerfile: text }) };
}

/** A tar has a NUL in its first header, whatever compressed it but bzip2 begins with bytes that are no text. */
function isArchive(head: Buffer): boolean {
  return head.includes(0) || head.subarray(0, 3).toString() === "BZh";
}

async function* joined(head: Buffer, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
}

async function fromFolder(source: string, file: string | undefined, stdin: NodeJS.ReadStream): Promise<SentContext> {
  const folder = resolve(source);
  const found = await stat(folder).catch((error: unknown) => {
    throw new CliError(`unable to prepare context: path "${source}" not found: ${messageOf(error)}`);
  });
  if (!found.isDirectory()) throw new CliError(`unable to prepare context: ${source} is not a folder`);
  const ignored = await readOrUndefined(join(folder, ignoreName));
  const outside = await outsideFile(folder, file, stdin);
  const dockerfile = outside ? `.dockerfile.${randomBytes(10).toString("hex")}` : placeOf(folder, file);
  const rules = rulesOf(ignored ?? "");
  // The daemon needs both, and leaves them out itself.
  const leavesOut = (name: string): boolean => name === ignoreName || (name !== dockerfile && rules.ignores(name));
  const own = outside ? [dockerfile, ignoreName] : [];
  const more = {
    ...(outside && { [dockerfile]: outside.text }),
    ...((ignored !== undefined || outside) && { [ignoreName]: [ignored ?? "", ...own].join("\n") }),
  };
  if (!outside && (await readOrUndefined(join(folder, dockerfile))) === undefined)
    throw new CliError(`unable to prepare context: unable to find the Dockerfile: ${join(folder, dockerfile)}`);
  // A Dockerfile in a folder that is left out is sent all the same.
  const looksInside = rules.takesAgain || dockerfile.includes("/");
  return { body: packFolder(folder, { leavesOut, looksInside, more }), dockerfile };
}

/** A Dockerfile that is not in the folder. */
async function outsideFile(
  folder: string,
  file: string | undefined,
  stdin: NodeJS.ReadStream,
): Promise<{ text: string } | undefined> {
  if (file === "-") return { text: (await buffer(stdin)).toString() };
  if (file === undefined || !placeOf(folder, file).startsWith("..")) return undefined;
  return {
    text: await readFile(file, "utf8").catch((error: unknown) => {
      throw new CliError(`unable to prepare context: cannot read ${file}: ${messageOf(error)}`);
    }),
  };
}

/** Where a Dockerfile is in the folder. Its path begins where the command was called. */
function placeOf(folder: string, file: string | undefined): string {
  const place = file === undefined ? "Dockerfile" : relative(folder, resolve(file));
  return isAbsolute(place) ? `..${place}` : place;
}

function rulesOf(text: string): IgnoreRules {
  try {
    return new IgnoreRules(text.replace(/^\uFEFF/, "").split(/\r?\n/));
  } catch (error) {
    if (error instanceof BadGlob) throw new CliError(`error reading ${ignoreName}: ${error.message}`);
    throw error;
  }
}

async function readOrUndefined(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new CliError(`cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

async function* onlyFiles(files: Readonly<Record<string, string>>): AsyncGenerator<Uint8Array> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mode: 0o644 }, content);
  archive.finalize();
  // tar-stream's pack produces buffers; its type says only Readable.
  for await (const chunk of archive) yield chunk as Uint8Array;
}
