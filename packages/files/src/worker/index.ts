export { decompress, isOwnFormat } from "./decompress.ts";
export { runFileWorker } from "./run-file-worker.ts";
