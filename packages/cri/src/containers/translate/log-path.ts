import { invalidArgument } from "@pouchcontainer/errors";
import { isAbsolute, join, relative } from "node:path";

/** In bytes, as the kernel has it (`PATH_MAX` with its end, `NAME_MAX`). */
const longestPath = 4095;
const longestName = 255;

/** Where a container's log is: in its pod's folder of logs, and nowhere else; "" where either asks for none. */
export function containerLogPath(directory: string, path: string): string {
  if (directory === "" || path === "") return "";
  if (!isAbsolute(directory)) throw invalidArgument(`log_directory ${directory}: an absolute path is needed`);
  const whole = join(directory, path);
  if (whole.includes("\0")) throw invalidArgument("log_path: it has a NUL in it");
  if (Buffer.byteLength(whole) > longestPath || whole.split("/").some((name) => Buffer.byteLength(name) > longestName))
    throw invalidArgument(`log_path: a path has at most ${longestPath} bytes, and each name in it ${longestName}`);
  const below = relative(directory, whole);
  if (below === "" || below === ".." || below.startsWith("../"))
    throw invalidArgument(`log_path ${path}: leaves the pod's folder of logs, ${directory}`);
  return whole;
}
