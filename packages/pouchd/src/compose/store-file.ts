import { join } from "node:path";

/** The daemon's records, in its home directory. */
export const storeFile = (home: string): string => join(home, "pouch.db");
