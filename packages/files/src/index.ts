export { decompressionPrograms } from "./decompression-programs.ts";
export { FileWorkers, type FileWorkersOptions } from "./file-workers.ts";
export type {
  Bind,
  Change,
  CopySource,
  FilePath,
  FileView,
  MountSource,
  PathStat,
  Placement,
  UnpackOptions,
} from "./file-jobs.ts";
export { streamedTar, type StreamedEntry } from "./tar/streamed-tar.ts";
export { ProcessGone } from "./process-gone.ts";
