import { internal, invalidArgument, isKind, messageChain, notImplemented } from "@pouchcontainer/errors";
import type { FileView } from "@pouchcontainer/files";
import { makeFolders } from "@pouchcontainer/owners";
import { join, posix } from "node:path";
import { addAbortSignal, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { BuildDeps, BuildRequest } from "./build-deps.ts";
import { fetchContent } from "./fetch-content.ts";
import { readWhole } from "./steps/copy-step.ts";

/** Nobody writes more by hand. */
const textLimit = 1 << 20;

export interface BuildContext {
  view: FileView;
  dockerfile: string;
}

/** Unpacks a build's context into a folder of its own, and reads the Dockerfile in it. Which file is what a link leads to, within it. */
export async function openContext(
  deps: BuildDeps,
  request: BuildRequest,
  body: Readable,
  folder: string,
  signal: AbortSignal,
): Promise<BuildContext> {
  const place = contextFolder(folder);
  await makeFolders(place, 0o700);
  const view: FileView = folderView(place);
  const { remote } = request;
  if (remote === undefined) await unpack(deps, view, addAbortSignal(signal, body));
  else {
    const only = await unpackRemote(deps, view, remote, signal);
    if (only !== undefined) return { view, dockerfile: only };
  }
  const dockerfile = await readDockerfile(deps, view, request.dockerfile);
  const ignored = await readIgnored(deps, view);
  if (ignored !== undefined) await leaveOut(deps, view, ignored, signal);
  return { view, dockerfile };
}

/** Where in a build's folder the context is. */
export const contextFolder = (own: string): string => join(own, "context");

export function folderView(folder: string, readOnly = false): FileView {
  return {
    kind: "assembled",
    parts: [{ place: "/", mounts: [{ type: "bind", source: folder, options: ["bind"] }], readOnly }],
    binds: [],
  };
}

async function unpack({ files }: BuildDeps, view: FileView, tar: Readable): Promise<void> {
  await files.unpack(view, "/", tar, { noOverwriteDirNonDir: false, readOnlyRoot: false, mounts: [] });
}

/** A Dockerfile by itself is returned; anything else is unpacked. */
async function unpackRemote(deps: BuildDeps, view: FileView, remote: string, signal: AbortSignal): Promise<string | undefined> {
  if (!/^https?:\/\//.test(remote) || /\.git(#.*)?$/.test(remote))
    throw notImplemented(
      `remote ${remote}: a context comes from the request or from an HTTP address of a tar or a Dockerfile, not from git`,
    );
  const fetched = await fetchContent(deps.web, remote, signal).catch((error: unknown) => {
    throw signal.aborted
      ? error
      : internal(`error downloading remote context ${remote}: ${messageChain(error)}`, { cause: error });
  });
  const { body } = fetched;
  try {
    const chunks = addAbortSignal(signal, body).iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    const first = await chunks.next();
    const head = first.done ? Buffer.alloc(0) : first.value;
    const whole = Readable.from(joined(head, chunks), { objectMode: false });
    // A tar has them in its first header, whatever compressed it.
    if (head.includes(0) || head.subarray(0, 3).equals(bzip2)) {
      await unpack(deps, view, whole);
      return undefined;
    }
    return (await buffer(bounded(whole))).toString();
  } finally {
    body.destroy();
    fetched.close();
  }
}

const bzip2 = Buffer.from("BZh");

async function* joined(head: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}

async function* bounded(source: Readable): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > textLimit) throw invalidArgument(`a Dockerfile of more than ${textLimit} bytes is refused`);
    yield chunk;
  }
}

async function readDockerfile({ files }: BuildDeps, view: FileView, path: string): Promise<string> {
  if (/^\.\.(\/|$)/.test(posix.normalize(path))) throw invalidArgument(`forbidden path outside the build context: ${path} ()`);
  try {
    return (await readWhole(files, view, posix.join("/", path), textLimit)).toString();
  } catch (error) {
    if (isKind(error, "notFound")) throw invalidArgument(`Cannot locate specified Dockerfile: ${path}`, { cause: error });
    throw error;
  }
}

async function readIgnored({ files }: BuildDeps, view: FileView): Promise<string | undefined> {
  try {
    return (await readWhole(files, view, "/.dockerignore", textLimit)).toString();
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

/** Docker's CLI leaves them out before it sends anything; other clients may not. */
async function leaveOut({ files }: BuildDeps, view: FileView, ignored: string, signal: AbortSignal): Promise<void> {
  try {
    await files.removeIgnored(view, ignored.replace(/^\uFEFF/, "").split(/\r?\n/), signal);
  } catch (error) {
    if (isKind(error, "invalidArgument"))
      throw invalidArgument(`error reading .dockerignore: ${error.message}`, { cause: error });
    throw error;
  }
}
