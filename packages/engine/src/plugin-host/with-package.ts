import {
  unpackPlugin,
  type PackageRoom,
  type PackageSource,
  type PluginWords,
  type UnpackedPlugin,
} from "./installed/plugin-package.ts";
import type { PackageFolders } from "./package-folders.ts";
import type { PluginTurns } from "./plugin-turns.ts";

/**
 * A package is brought in before the turn of the change it is for: how long that takes is its sender's to say. What `admit` throws for is not
 * brought in; in its turn a change looks again.
 */
export async function withPackage<T>(
  source: PackageSource,
  room: PackageRoom & { turns: PluginTurns; folders: PackageFolders; admit: (words: PluginWords) => void },
  work: (unpacked: UnpackedPlugin) => Promise<T>,
): Promise<T> {
  const unpacked = await unpackPlugin(source, room, room.admit);
  try {
    return await room.turns.take([unpacked.manifest.name], () => {
      if ("reference" in source) source.pull?.signal?.throwIfAborted();
      return work(unpacked);
    });
  } catch (error) {
    await room.folders.release(unpacked.manifest.name, unpacked.directory);
    throw error;
  }
}
