export type { StoreBackup } from "./backup-database.ts";
export { rebuildStore, type RebuildReport } from "./rebuild-store.ts";
export { isClosed, isInUse } from "./store-failure.ts";
export { namesIn } from "./names-in.ts";
export { writeWholeSync } from "./written-whole.ts";
export { Store, type Collection, type GuardedCollection, type PutOptions } from "./store.ts";
