import { basename, dirname, posix, resolve } from "node:path";
import type { ContainerPathStat } from "@pouchcontainer/api";
import { localSource } from "../../archive/local-source.ts";
import { packFolder } from "../../archive/pack-folder.ts";
import { unpackArchive } from "../../archive/unpack-archive.ts";
import type { EngineClient } from "../../client/engine-client.ts";
import { CliError, isDaemonStatus } from "../../cli-error.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import type { CliContext } from "../../context.ts";
import { bool } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { checkOutputPath, endOfLinks } from "../../output/output-path.ts";

/** Bits of Go's `fs.FileMode`. */
const goDirectory = 2 ** 31;
const goSymlink = 2 ** 27;
const goDevice = 2 ** 26;
const goIrregular = 2 ** 19;

interface CopyFlags {
  archive: boolean;
  "follow-link": boolean;
  quiet: boolean;
}

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH",
  description:
    "With - as the source a tar archive is read from stdin and unpacked in the container; with - as the destination one is written to stdout.",
  args: exactArgs(2),
  flags: {
    archive: bool("Archive mode (copy all uid/gid information)", { short: "a" }),
    "follow-link": bool("Always follow symbol link in SRC_PATH", { short: "L" }),
    quiet: bool("Suppress progress output during copy", { short: "q" }),
  },
  examples: [
    { does: "A file into a container", run: "pouch cp app.conf web:/etc/app.conf" },
    { does: "A folder out of one", run: "pouch cp web:/var/log ./log" },
  ],
  async run(context, { flags, args }) {
    const [source, target] = [readPlace(argument(args, 0)), readPlace(argument(args, 1))];
    if (source.container !== undefined && target.container !== undefined)
      throw new CliError("copying between containers is not supported");
    const engine = await context.engine();
    if (source.container !== undefined)
      await copyOut(context, engine, { container: source.container, path: source.path, target: target.path, flags });
    else if (target.container !== undefined)
      await copyIn(context, engine, { container: target.container, path: target.path, source: source.path, flags });
    else throw new CliError("must specify at least one container source");
  },
});

/** `container:path`, unless it is clearly a path of this machine (`./a:b`, `/a:b`). */
function readPlace(given: string): { container: string | undefined; path: string } {
  const colon = given.indexOf(":");
  if (colon <= 0 || given.startsWith(".") || given.startsWith("/")) return { container: undefined, path: given };
  return { container: given.slice(0, colon), path: given.slice(colon + 1) };
}

async function statPath(engine: EngineClient, container: string, path: string): Promise<ContainerPathStat> {
  const answer = await engine.request("HEAD", `/containers/${inPath(container)}/archive`, { query: { path } });
  answer.close();
  const header = answer.head.headers.get("x-docker-container-path-stat") ?? "";
  // The header's contract is api's ContainerPathStat.
  return JSON.parse(Buffer.from(header, "base64").toString("utf8")) as ContainerPathStat;
}

const has = ({ mode }: ContainerPathStat, bit: number): boolean => Math.trunc(mode / bit) % 2 === 1;
const isDirectory = (found: ContainerPathStat): boolean => has(found, goDirectory);

/** Where a link in a container leads; a path that ends in `/.` goes on meaning what is in there. */
function linkTarget(path: string, { linkTarget: target }: ContainerPathStat): string {
  const end = posix.isAbsolute(target) ? target : posix.join(posix.dirname(path), target);
  return isContents(path) ? posix.join(end, "/") + "." : end;
}

/** `folder/.`: what is in it, without it. */
const isContents = (path: string): boolean => /(^|\/)\.$/.test(path);

async function followLink(engine: EngineClient, container: string, path: string): Promise<string> {
  const found = await statPath(engine, container, path);
  return has(found, goSymlink) ? linkTarget(path, found) : path;
}

/** What is at a destination in a container, or where the link leads that is there; `found` is absent when that is nothing. */
async function statDestination(
  engine: EngineClient,
  container: string,
  path: string,
): Promise<{ path: string; found: ContainerPathStat | undefined }> {
  const statIfThere = async (place: string): Promise<ContainerPathStat | undefined> =>
    await statPath(engine, container, place).catch((error: unknown) => {
      // Not there yet, or no such container: what follows says which.
      if (isDaemonStatus(error, 404)) return undefined;
      throw error;
    });
  const found = await statIfThere(path);
  if (found === undefined || !has(found, goSymlink)) return { path, found };
  const end = linkTarget(path, found);
  return { path: end, found: await statIfThere(end) };
}

interface CopyOut {
  container: string;
  path: string;
  target: string;
  flags: CopyFlags;
}

async function copyOut(context: CliContext, engine: EngineClient, { container, path, target, flags }: CopyOut): Promise<void> {
  // As it was given first, so that what is wrong there is said of that.
  if (target !== "-") await checkOutputPath(resolve(target));
  const place = await endOfLinks(target);
  const existing = target === "-" ? undefined : await checkOutputPath(place);
  const from = flags["follow-link"] ? await followLink(engine, container, path) : path;
  const answer = await engine.get(`/containers/${inPath(container)}/archive`, { query: { path: from } });
  if (target === "-") {
    if (context.out.isTTY) throw new CliError("cowardly refusing to write an archive to a terminal: redirect it");
    for await (const chunk of answer.chunks()) context.out.write(chunk);
    return;
  }
  const header = answer.head.headers.get("x-docker-container-path-stat") ?? "";
  // The header's contract is api's ContainerPathStat.
  const source = JSON.parse(Buffer.from(header, "base64").toString("utf8")) as ContainerPathStat;
  const contentsOnly = isContents(path);
  if (isDirectory(source) && existing?.isFile() === true) throw new CliError(`cannot copy a directory to a file: ${target}`);
  if (existing === undefined && target.endsWith("/") && !isDirectory(source)) throw new CliError(`no such directory: ${target}`);
  const into = existing?.isDirectory() === true;

  const top = posix.basename(posix.normalize(source.name === "" || source.name === "." ? posix.basename(from) : source.name));
  // What a link led to goes by the link's name.
  const name = from === path ? top : posix.basename(path);
  const options = contentsOnly
    ? { folder: place }
    : { folder: into ? place : dirname(place), rename: { from: top, to: into ? name : basename(place) } };
  await unpackArchive(answer.chunks(), { ...options, keepOwner: flags.archive });
  if (!flags.quiet && context.err.isTTY) context.err.write(`Successfully copied to ${place}\n`);
}

interface CopyIn {
  container: string;
  path: string;
  source: string;
  flags: CopyFlags;
}

async function copyIn(context: CliContext, engine: EngineClient, { container, path, source, flags }: CopyIn): Promise<void> {
  const copyUIDGID = flags.archive ? "true" : undefined;
  const send = async (folder: string, body: AsyncIterable<Uint8Array>): Promise<void> =>
    (
      await engine.request("PUT", `/containers/${inPath(container)}/archive`, {
        query: { path: folder, noOverwriteDirNonDir: "true", copyUIDGID },
        body,
      })
    ).close();
  if (source === "-") return await send(path, context.stdin());

  const local = await localSource(source, { followLink: flags["follow-link"] });
  const { path: target, found } = await statDestination(engine, container, path);
  const directory = found !== undefined && isDirectory(found);
  if (found !== undefined && (has(found, goDevice) || has(found, goIrregular)))
    throw new CliError(`destination "${container}:${path}" must be a directory or a regular file: got a device`);
  if (local.isDirectory && found !== undefined && !directory)
    throw new CliError(`cannot copy a directory to a file: ${container}:${path}`);
  if (!local.isDirectory && found === undefined && path.endsWith("/"))
    throw new CliError(`no such directory: ${container}:${path}`);
  const options = { keepOwner: flags.archive };
  if (directory) await send(target, packFolder(local.path, local.contentsOnly ? options : { ...options, rename: local.name }));
  else
    await send(posix.dirname(posix.resolve("/", target)), packFolder(local.path, { ...options, rename: posix.basename(target) }));
  if (!flags.quiet && context.err.isTTY) context.err.write(`Successfully copied to ${container}:${path}\n`);
}
