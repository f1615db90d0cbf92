import { deadlineExceeded, EngineError, invalidArgument, messageChain, notFound, unavailable } from "@pouchcontainer/errors";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { parseManifest } from "@pouchcontainer/plugin-sdk/host";
import { makeFolders } from "@pouchcontainer/owners";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import type { Readable } from "node:stream";
import { ended } from "../../ended.ts";
import { removeTree } from "../../remove-tree.ts";
import { besidePackage, packageContent } from "./package-content.ts";
import { isPolicy, loadPolicy, policyFile } from "../policies/index.ts";
import { runGuarded } from "./run-guarded.ts";
import { tarLimit, tooLarge } from "./tar-limit.ts";

/** Where a plugin comes from: an archive that is sent, or a folder, an archive or an npm package that the daemon can reach. */
export type PackageSource = { archive: Readable } | { reference: string };

/** A package that was brought in and can be run. */
export interface UnpackedPlugin {
  manifest: PluginManifest;
  packageJson: Record<string, unknown>;
  directory: string;
  /** What was in it before anything it depends on was added. */
  content: string;
}

const sdkName = "@pouchcontainer/plugin-sdk";

const folderPrefix = "p-";

/** Where a plugin's manifest is: the first of them that is there. */
const manifestFiles = ["package.json", policyFile];

/** What an archive may cost the daemon. */
export interface ArchiveLimits {
  /** Longest pause of whoever sends it. */
  idleMs: number;
  /** Most bytes that are sent. */
  sentBytes: number;
  /** Most bytes of what is in it; tar counts them in pieces of 10 KiB. */
  unpackedBytes: number;
}

const archiveLimits: ArchiveLimits = { idleMs: 30_000, sentBytes: 512 * 1024 ** 2, unpackedBytes: 2 * 1024 ** 3 };

/** The folders below `parent` that packages were brought into, wholly or in part. */
export async function packageFolders(parent: string): Promise<string[]> {
  const names = existsSync(parent) ? await readdir(parent) : [];
  return names.filter((name) => name.startsWith(folderPrefix)).map((name) => join(parent, name));
}

/**
 * Brings a plugin's package into a folder of its own below `parent`, with the packages it depends on. No script of any package is run.
 * After a failure nothing of it is left.
 */
export async function unpackPlugin(
  source: PackageSource,
  parent: string,
  limits: ArchiveLimits = archiveLimits,
): Promise<UnpackedPlugin> {
  await makeFolders(parent, 0o700);
  const directory = await mkdtemp(join(parent, folderPrefix));
  try {
    await bring(source, directory, limits);
    const packageJson = await readPackageJson(directory);
    const manifest = parseManifest(packageJson);
    const policy = isPolicy(packageJson);
    await (policy ? loadPolicy(manifest, packageJson) : checkMain(manifest, directory));
    const content = await packageContent(directory);
    if (!policy) await installDependencies(packageJson, manifest.name, directory);
    return { manifest, packageJson, directory, content };
  } catch (error) {
    await removeTree(directory);
    throw error;
  }
}

/** The content of a folder or archive of this host as `unpackPlugin` would find it; undefined for an npm package, which is not looked at. */
export async function contentAt(reference: string, parent: string): Promise<string | undefined> {
  if (!reference.startsWith("/")) return undefined;
  if ((await stat(reference).catch(() => undefined))?.isDirectory() === true) return packageContent(reference);
  await makeFolders(parent, 0o700);
  const directory = await mkdtemp(join(parent, folderPrefix));
  try {
    await bring({ reference }, directory, archiveLimits);
    return await packageContent(directory);
  } finally {
    await removeTree(directory);
  }
}

async function bring(source: PackageSource, directory: string, limits: ArchiveLimits): Promise<void> {
  if ("archive" in source) {
    const file = join(directory, ".archive");
    await receive(source.archive, file, limits);
    return extract(file, directory, limits);
  }
  const { reference } = source;
  if (reference.startsWith("/")) {
    const found = await stat(reference).catch(() => undefined);
    if (found === undefined) throw notFound(`there is no folder or archive ${reference} on the daemon's host`);
    if (found.isDirectory()) return copyFolder(reference, directory);
    if (reference.endsWith(".json")) return cp(reference, join(directory, policyFile));
    return extract(reference, directory, limits);
  }
  await extract(await npmPack(reference, directory), directory, limits);
}

/** The stream is left as it is after a failure: where it is a request, its client is to hear what was wrong. */
async function receive(archive: Readable, file: string, { idleMs, sentBytes }: ArchiveLimits): Promise<void> {
  await using written = await open(file, "wx", 0o600);
  const chunks = archive.iterator({ destroyOnReturn: false });
  let size = 0;
  for (;;) {
    // Of a stream of bytes: nobody set it to text or objects.
    const coming = chunks.next() as Promise<IteratorResult<Uint8Array, undefined>>;
    if (!(await ended(coming, idleMs)))
      throw deadlineExceeded(`nothing more of the plugin's archive was sent for ${idleMs / 1000} s`);
    const next = await coming;
    if (next.done === true) return;
    size += next.value.length;
    if (size > sentBytes)
      throw invalidArgument(`the plugin's archive is larger than ${sentBytes} bytes, which is the most that may be sent`);
    await written.appendFile(next.value);
  }
}

async function copyFolder(from: string, directory: string): Promise<void> {
  const filter = (path: string): boolean => !besidePackage.has(basename(path)) || resolve(path) === resolve(from);
  await cp(from, directory, { recursive: true, filter });
}

/** Archives as npm makes them have everything in one folder; others have it at the top. */
async function extract(file: string, directory: string, { unpackedBytes }: ArchiveLimits): Promise<void> {
  const unpacked = join(directory, ".unpacked");
  await mkdir(unpacked);
  try {
    await runGuarded("tar", ["-x", "-f", file, "-C", unpacked, "--no-same-owner", ...tarLimit(unpackedBytes)]);
  } catch (error) {
    if (messageChain(error).includes(tooLarge))
      throw invalidArgument(`the plugin's archive holds more than ${unpackedBytes} bytes, which is the most that is unpacked`);
    throw invalidArgument(`the plugin's archive cannot be unpacked: ${EngineError.from(error).message}`, { cause: error });
  }
  const names = await readdir(unpacked);
  const only = names[0];
  const nested = names.length === 1 && only !== undefined && !manifestFiles.includes(only);
  const top = nested ? join(unpacked, only) : unpacked;
  for (const name of await readdir(top)) await rename(join(top, name), join(directory, name));
  await removeTree(unpacked);
  if (file.startsWith(`${directory}/`)) await rm(file, { force: true });
}

async function npmPack(reference: string, directory: string): Promise<string> {
  if (!/^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*(@[a-z0-9^~<>=.*+ |-]+)?$/i.test(reference)) {
    throw invalidArgument(
      `"${reference}" is not the name of an npm package (a folder or archive on the daemon's host begins with /)`,
    );
  }
  const { stdout } = await npm(
    ["pack", "--ignore-scripts", "--json", "--pack-destination", directory, "--", reference],
    directory,
  ).catch((error: unknown) => {
    const { message } = EngineError.from(error);
    throw /E404|404 Not Found/.test(message) ? notFound(`npm knows no package "${reference}"`) : error;
  });
  // What `npm pack --json` prints: a list, in newer versions an object, with a file name in each entry.
  const packed = Object.values(JSON.parse(stdout) as Record<string, { filename?: string }>)[0];
  if (packed?.filename === undefined) throw unavailable(`npm pack ${reference} made no archive`);
  return join(directory, packed.filename);
}

async function readPackageJson(directory: string): Promise<Record<string, unknown>> {
  const file = manifestFiles.find((name) => existsSync(join(directory, name)));
  if (file === undefined) throw invalidArgument(`the plugin has no package.json, and no ${policyFile}`);
  const text = await readFile(join(directory, file), "utf8");
  let packageJson: unknown;
  try {
    packageJson = JSON.parse(text);
  } catch (error) {
    throw invalidArgument(`the plugin's ${file} is not JSON: ${messageChain(error)}`, { cause: error });
  }
  if (file === policyFile && !isPolicy(packageJson)) throw invalidArgument(`the plugin's ${file} has no "policy" section`);
  // parseManifest checks every field.
  return packageJson as Record<string, unknown>;
}

async function checkMain(manifest: PluginManifest, directory: string): Promise<void> {
  if (manifest.command !== undefined) return;
  const main = resolve(directory, manifest.main);
  if (relative(directory, main).startsWith("..") || (await stat(main).catch(() => undefined))?.isFile() !== true) {
    throw invalidArgument(`plugin "${manifest.name}" has no module ${manifest.main}: see "exports" in its package.json`);
  }
}

/** The SDK is the daemon's own; every other package comes from npm. */
async function installDependencies(packageJson: Record<string, unknown>, name: string, directory: string): Promise<void> {
  const all = packageJson["dependencies"];
  if (typeof all !== "object" || all === null) return;
  const dependencies = Object.fromEntries(Object.entries(all).filter(([dependency]) => dependency !== sdkName));
  if (Object.keys(dependencies).length === 0) return;
  const { devDependencies: _dev, ...rest } = packageJson;
  await writeFile(join(directory, "package.json"), `${JSON.stringify({ ...rest, dependencies }, undefined, 2)}\n`);
  try {
    await npm(
      ["install", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
      directory,
    );
  } catch (error) {
    throw unavailable(
      `the packages that plugin "${name}" depends on could not be installed: ${EngineError.from(error).message}`,
      { cause: error },
    );
  }
}

async function npm(args: string[], directory: string): Promise<{ stdout: string }> {
  return runGuarded("npm", args, directory);
}
