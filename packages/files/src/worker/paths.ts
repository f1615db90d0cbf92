/** Paths as bytes: a name may be anything but `/` and NUL. */

const slash = 0x2f;
const separator = Buffer.from("/");

export function joinPath(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 || folder.at(-1) === slash
    ? Buffer.concat([folder, name])
    : Buffer.concat([folder, separator, name]);
}

/** The names of a path; empty ones and `.` left out, `..` kept. */
export function namesOf(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let at = 0; at <= path.length;) {
    const found = path.indexOf(slash, at);
    const end = found === -1 ? path.length : found;
    const length = end - at;
    if (length > 1 || (length === 1 && path[at] !== dot)) names.push(path.subarray(at, end));
    at = end + 1;
  }
  return names;
}

const dot = 0x2e;

export const isParent = (name: Buffer): boolean => name.length === 2 && name[0] === dot && name[1] === dot;

export const isAbsolute = (path: Buffer): boolean => path[0] === slash;

export const endsWithSlash = (path: Buffer): boolean => path.at(-1) === slash;

/** An absolute path made of names. */
export function absolutePath(names: readonly Buffer[]): Buffer {
  return Buffer.concat(names.length === 0 ? [separator] : names.flatMap((name) => [separator, name]));
}

/** As libc wants it: with a NUL behind. */
export const cString = (path: Buffer): Buffer => Buffer.concat([path, nul]);

const nul = Buffer.alloc(1);
