import { checkJsonBounds } from "@pouchcontainer/api";
import {
  cutText,
  deadlineExceeded,
  EngineError,
  invalidArgument,
  isKind,
  messageChain,
  notFound,
  unavailable,
} from "@pouchcontainer/errors";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { formatReference } from "@pouchcontainer/oci";
import { parseManifest } from "@pouchcontainer/plugin-sdk/host";
import { makeFolders } from "@pouchcontainer/owners";
import { existsSync } from "node:fs";
import { mkdtemp, open, readdir, stat, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import type { Readable } from "node:stream";
import { ended } from "../../ended.ts";
import { readLimited } from "../../read-limited.ts";
import { removeTree } from "../../remove-tree.ts";
import { packageContent } from "./package-content.ts";
import { settleTree } from "./package-tree.ts";
import { isPolicy, loadPolicy, policyFile } from "../policies/index.ts";
import { isArtifactReference, type PluginArtifacts, type PullOptions } from "../artifact/plugin-artifacts.ts";
import { checkTold, type ToldBeside } from "../artifact/told-beside.ts";
import type { PluginPlace } from "../plugin-record.ts";
import { runGuarded } from "./run-guarded.ts";
import { archiveLimits, copyFolder, manifestFiles, unpackArchive, type ArchiveLimits } from "./unpack-archive.ts";

/**
 * Where a plugin is brought in from: an archive that is sent; or a folder or archive (an absolute path), a registry's artifact
 * (`REGISTRY/NAME:TAG`), or an npm package that the daemon can reach. How an artifact is pulled is `pull`.
 */
export type PackageSource = { archive: Readable } | { reference: string; pull?: PullOptions };

/** What a package says of itself. */
export interface PluginWords {
  manifest: PluginManifest;
  packageJson: Record<string, unknown>;
}

/** A package that was brought in and can be run. */
export interface UnpackedPlugin extends PluginWords {
  directory: string;
  /** What was in it before anything it depends on was added. */
  content: string;
  place: PluginPlace;
}

/** What packages are brought in with. */
export interface PackageRoom {
  /** Below it each has a folder of its own. */
  directory: string;
  artifacts: PluginArtifacts;
  /** Default: those of the daemon. */
  limits?: ArchiveLimits;
  /** Ends whatever is waited for, as the daemon is to stop. Default: nothing does. */
  calledOff?: AbortSignal;
}

const sdkName = "@pouchcontainer/plugin-sdk";

export const folderPrefix = "p-";

/** The folders below `parent` that packages were brought into, wholly or in part. */
export async function packageFolders(parent: string): Promise<string[]> {
  const names = existsSync(parent) ? await readdir(parent) : [];
  return names.filter((name) => name.startsWith(folderPrefix)).map((name) => join(parent, name));
}

/**
 * Brings a plugin's package into a folder of its own, with the packages it depends on, of which none is asked for before `admit`, which throws
 * for a package that is not to be brought in. No script of any package is run. After a failure nothing of it is left.
 */
export async function unpackPlugin(
  source: PackageSource,
  room: PackageRoom,
  admit: (words: PluginWords) => void,
): Promise<UnpackedPlugin> {
  await makeFolders(room.directory, 0o700);
  const directory = await mkdtemp(join(room.directory, folderPrefix));
  try {
    const place = await bring(source, directory, room);
    const packageJson = await readPackageJson(directory);
    const manifest = parseManifest(packageJson);
    admit({ manifest, packageJson });
    const policy = isPolicy(packageJson);
    await (policy ? loadPolicy(manifest, packageJson) : checkMain(manifest, directory));
    const content = await packageContent(directory);
    if (!policy && (place.digest === undefined || lacksDependencies(packageJson, directory))) {
      room.artifacts.signatures.checkUnsigned(`what npm has of the packages that plugin "${manifest.name}" depends on`);
      await installDependencies(packageJson, manifest.name, { directory, ...patienceFor(source, room) });
      await settleTree(directory);
    }
    return { manifest, packageJson, directory, content, place };
  } catch (error) {
    await removeTree(directory);
    throw error;
  }
}

/**
 * The content of a folder or archive of this host as `unpackPlugin` would find it; undefined for what an npm or other registry has, which is
 * not looked at.
 */
export async function contentAt(reference: string, room: PackageRoom): Promise<string | undefined> {
  if (!reference.startsWith("/")) return undefined;
  if ((await stat(reference).catch(() => undefined))?.isDirectory() === true) return packageContent(reference);
  await makeFolders(room.directory, 0o700);
  const directory = await mkdtemp(join(room.directory, folderPrefix));
  try {
    await bring({ reference }, directory, room);
    return await packageContent(directory);
  } finally {
    await removeTree(directory);
  }
}

/** The same of one that is looked at: `fetches` are the packages, with their versions, that npm will be asked for. */
export interface ReadPlugin extends PluginWords {
  fetches: readonly string[];
}

/** What a package says of itself. Nothing that it depends on is fetched, and nothing of it is left. */
export async function readPlugin(source: PackageSource, room: PackageRoom): Promise<ReadPlugin> {
  const told = await toldByRegistry(source, room);
  // One that was pushed has what it depends on in it.
  if (told !== undefined) return { manifest: parseManifest(told), packageJson: told, fetches: [] };
  await makeFolders(room.directory, 0o700);
  const directory = await mkdtemp(join(room.directory, folderPrefix));
  try {
    await bring(source, directory, room);
    const packageJson = await readPackageJson(directory);
    return { manifest: parseManifest(packageJson), packageJson, fetches: wantedOfNpm(packageJson) };
  } finally {
    await removeTree(directory);
  }
}

/** A registry has it beside the package. What is brought in later is held against the package's own. */
async function toldByRegistry(source: PackageSource, { artifacts }: PackageRoom): Promise<ToldBeside | undefined> {
  if (!("reference" in source) || !isArtifactReference(source.reference)) return undefined;
  return artifacts.describe(artifacts.parse(source.reference), source.pull ?? {});
}

/** How long whoever wants the package waits for what is fetched. */
function patienceFor(source: PackageSource, { calledOff }: PackageRoom): { signal?: AbortSignal } {
  const asked = "reference" in source ? source.pull?.signal : undefined;
  const signals = [asked, calledOff].filter((signal) => signal !== undefined);
  return signals.length === 0 ? {} : { signal: AbortSignal.any(signals) };
}

async function bring(source: PackageSource, directory: string, room: PackageRoom): Promise<PluginPlace> {
  const { artifacts, calledOff } = room;
  const limits = { ...(room.limits ?? archiveLimits), ...(calledOff && { signal: calledOff }) };
  const patience = patienceFor(source, room);
  const file = join(directory, ".archive");
  if ("archive" in source) {
    artifacts.signatures.checkUnsigned("an archive that is sent");
    await receive(source.archive, file, limits);
    await unpackArchive(file, directory, limits);
    return { sent: true };
  }
  const { reference, pull = {} } = source;
  if (isArtifactReference(reference)) {
    const parsed = artifacts.parse(reference);
    const { told, ...fetched } = await artifacts.fetch(parsed, { ...pull, ...patience }, file, limits.sentBytes);
    await unpackArchive(file, directory, limits);
    if (told !== undefined) checkTold(told, await readPackageJson(directory), formatReference(parsed));
    return { source: formatReference(parsed), ...fetched };
  }
  artifacts.signatures.checkUnsigned(reference);
  await bringUnsigned(reference, { directory, ...patience }, limits);
  return { source: reference };
}

async function bringUnsigned(reference: string, place: PackagePlace, limits: ArchiveLimits): Promise<void> {
  const { directory } = place;
  if (reference.startsWith("/")) {
    const found = await stat(reference).catch(() => undefined);
    if (found === undefined) throw notFound(`there is no folder or archive ${reference} on the daemon's host`);
    if (found.isDirectory()) return copyFolder(reference, directory, limits);
    if (reference.endsWith(".json")) return writeFile(join(directory, policyFile), readLimited(reference));
    if (!found.isFile()) throw invalidArgument(`${reference} is neither a folder nor a regular file`);
    return unpackArchive(reference, directory, limits);
  }
  await unpackArchive(await npmPack(reference, place), directory, limits);
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

async function npmPack(reference: string, place: PackagePlace): Promise<string> {
  const { directory } = place;
  if (!/^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*(@[a-z0-9^~<>=.*+ |-]+)?$/i.test(reference)) {
    throw invalidArgument(
      `"${reference}" is not the name of an npm package (a folder or archive on the daemon's host begins with /, a plugin of a registry is REGISTRY/NAME:TAG)`,
    );
  }
  const { stdout } = await npm(
    ["pack", "--ignore-scripts", "--json", "--pack-destination", directory, "--", reference],
    place,
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
  const text = readLimited(join(directory, file));
  checkJsonBounds(Buffer.from(text), { refuse: (problem) => invalidArgument(`the plugin's ${file} ${problem}`) });
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
    throw invalidArgument(
      `plugin "${manifest.name}" has no module ${cutText(manifest.main, 512)}: see "exports" in its package.json`,
    );
  }
}

function wantedOfNpm(packageJson: Record<string, unknown>): string[] {
  if (isPolicy(packageJson)) return [];
  return Object.entries(dependenciesOf(packageJson)).map(([name, version]) => `${name}@${String(version)}`);
}

/** The SDK is the daemon's own. */
function dependenciesOf(packageJson: Record<string, unknown>): Record<string, unknown> {
  const all = packageJson["dependencies"];
  if (typeof all !== "object" || all === null) return {};
  return Object.fromEntries(Object.entries(all).filter(([dependency]) => dependency !== sdkName));
}

/** A package that was pushed has them in it. */
function lacksDependencies(packageJson: Record<string, unknown>, directory: string): boolean {
  return Object.keys(dependenciesOf(packageJson)).some(
    (dependency) => !existsSync(join(directory, "node_modules", dependency, "package.json")),
  );
}

/**
 * What npm is told where no file of a package, nor of one that comes by git, has a say: those would name the program that is git.
 * In the environment, since npm runs another npm for packages by git, which knows no argument of the first one.
 */
const npmEnvironment = { npm_config_git: "git", npm_config_global: "false" };

/** From npm, which is asked as this host is set up. */
async function installDependencies(packageJson: Record<string, unknown>, name: string, place: PackagePlace): Promise<void> {
  const { directory } = place;
  const dependencies = dependenciesOf(packageJson);
  if (Object.keys(dependencies).length === 0) return;
  const { devDependencies: _dev, ...rest } = packageJson;
  await removeTree(join(directory, ".npmrc"));
  await writeFile(join(directory, "package.json"), `${JSON.stringify({ ...rest, dependencies }, undefined, 2)}\n`);
  try {
    await npm(
      ["install", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
      place,
    );
  } catch (error) {
    if (isKind(error, "cancelled")) throw error;
    throw unavailable(
      `the packages that plugin "${name}" depends on could not be installed: ${EngineError.from(error).message}`,
      { cause: error },
    );
  }
}

/** Where npm works, and until when. */
interface PackagePlace {
  directory: string;
  signal?: AbortSignal;
}

async function npm(args: string[], place: PackagePlace): Promise<{ stdout: string }> {
  return runGuarded("npm", args, { ...place, environment: npmEnvironment });
}
