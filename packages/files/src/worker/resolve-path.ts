import { lstatSync, readlinkSync } from "node:fs";
import { codeOf, JobFailure } from "./job-failure.ts";
import { absolutePath, isAbsolute, isParent, namesOf } from "./paths.ts";

const maxLinks = 255;

/**
 * What an absolute path names below `root` once every link is followed there. What does not exist is taken as it is written.
 * The answer is for messages, and for files nobody else changes: where somebody may, the root must be the process's own.
 */
export function resolvePath(path: Buffer, root: Buffer = Buffer.alloc(0)): Buffer {
  const pending = namesOf(path);
  const walked: Buffer[] = [];
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (isParent(name)) {
      walked.pop();
      continue;
    }
    const target = linkAt(Buffer.concat([root, absolutePath([...walked, name])]));
    if (target === undefined) {
      walked.push(name);
      continue;
    }
    links += 1;
    if (links > maxLinks) throw new JobFailure("internal", `evalSymlinksInScope: too many links in ${path.toString()}`);
    if (isAbsolute(target)) walked.length = 0;
    pending.unshift(...namesOf(target));
  }
  return absolutePath(walked);
}

function linkAt(path: Buffer): Buffer | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path, "buffer") : undefined;
  } catch (error) {
    // A parent that is a file, or a link taken away meanwhile: it does not exist.
    if (["ENOTDIR", "ENOENT", "EINVAL"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
