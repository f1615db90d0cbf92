import { decompress, isOwnFormat, runFileWorker } from "@pouchcontainer/files/worker";

/** The process of one job on a container's files, or of the decompression of an archive for one. Resolves with its exit status. */
export async function workOnFiles([folder = "", format]: string[]): Promise<number> {
  // A stop of the daemon that signals everything of it: the daemon lets a job end, or ends it.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
  if (format === undefined) runFileWorker(folder);
  else if (isOwnFormat(format)) await decompress(format);
  else return 2;
  return 0;
}
