import type { AuthConfig } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { makeFolders } from "@pouchcontainer/owners";
import { isObject } from "@pouchcontainer/plugin-sdk/host";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { ProgressSink } from "../../registry/progress.ts";
import { removeTree } from "../../remove-tree.ts";
import { folderPrefix } from "../installed/plugin-package.ts";
import { archiveLimits } from "../installed/unpack-archive.ts";
import type { PluginRecord } from "../plugin-record.ts";
import { packPackage, type PackedPackage } from "./pack-package.ts";
import { isArtifactReference, type PluginArtifacts } from "./plugin-artifacts.ts";

type Installed = NonNullable<PluginRecord["installed"]>;

export interface PluginPushRequest {
  /** `REGISTRY/NAME:TAG`; without it the reference it was pulled as. */
  remote?: string;
  auth?: AuthConfig;
}

interface PushRoom {
  artifacts: PluginArtifacts;
  /** Where packages are; what is packed lies there until it is sent. */
  directory: string;
  request: PluginPushRequest;
  progress: ProgressSink;
  signal: AbortSignal;
}

/** Packs an installed plugin while `inTurn` holds it as it is, then sends it. Nothing of the tar stays. */
export async function pushInstalled(
  { artifacts, directory, request, progress, signal }: PushRoom,
  inTurn: <T>(pack: (installed: Installed) => Promise<T>) => Promise<T>,
): Promise<void> {
  await makeFolders(directory, 0o700);
  const folder = await mkdtemp(join(directory, folderPrefix));
  try {
    const ready = await inTurn(async (installed) => ({
      reference: artifacts.target(request.remote ?? ownReference(installed)),
      packageJson: objectOf(installed.packageJson),
      packed: await packed(installed, folder),
    }));
    await artifacts.push({ ...ready, progress, signal }, request.auth);
  } finally {
    await removeTree(folder);
  }
}

function ownReference({ source = "" }: Installed): string {
  if (!isArtifactReference(source)) throw invalidArgument("say where the plugin is to be pushed to, as REGISTRY/NAME:TAG");
  return source;
}

async function packed({ directory }: Installed, folder: string): Promise<PackedPackage> {
  return packPackage(directory, join(folder, "package.tar"), archiveLimits.sentBytes);
}

function objectOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}
