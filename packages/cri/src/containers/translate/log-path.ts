import { invalidArgument } from "@pouchcontainer/errors";
import { isAbsolute, join, relative } from "node:path";

/** Where a container's log is: in its pod's folder of logs, and nowhere else; "" where either asks for none. */
export function containerLogPath(directory: string, path: string): string {
  if (directory === "" || path === "") return "";
  if (!isAbsolute(directory)) throw invalidArgument(`log_directory ${directory}: an absolute path is needed`);
  const whole = join(directory, path);
  const below = relative(directory, whole);
  if (below === "" || below === ".." || below.startsWith("../"))
    throw invalidArgument(`log_path ${path}: leaves the pod's folder of logs, ${directory}`);
  return whole;
}
