import { readdirSync } from "node:fs";

/** What is in a folder; nothing where it is missing, or cannot be read. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
