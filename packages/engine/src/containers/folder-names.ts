import { readdir } from "node:fs/promises";

/** What is in a folder; nothing, where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

/** The containers that have a folder of their own in this one. */
export async function containersIn(folder: string): Promise<string[]> {
  return (await namesIn(folder)).filter(isContainerId);
}

/** Whether a name is the whole id of a container, as the daemon makes them. */
export const isContainerId = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);
