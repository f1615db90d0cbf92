import { firstExecutable } from "@pouchcontainer/owners";
import { delimiter, join } from "node:path";

/** Path of a program: as given when it has a slash, else from PATH and the system folders a service's PATH often lacks. */
export function findProgram(program: string, environment: NodeJS.ProcessEnv): string | undefined {
  const folders = [...(environment["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  const candidates = program.includes("/") ? [program] : folders.filter(Boolean).map((folder) => join(folder, program));
  return firstExecutable(candidates);
}
