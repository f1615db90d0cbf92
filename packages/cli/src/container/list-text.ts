import { readFileSync } from "node:fs";
import { CliError, messageOf } from "../cli-error.ts";

/** The lines of an `--env-file` or `--label-file` that are neither empty nor comments. */
export function readListFile(path: string, what: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new CliError(`cannot read the ${what} file: ${messageOf(error)}`, { exitCode: 125 });
  }
  return text
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Variables from files and flags, flags last. `NAME` alone takes the value it has here, and is left out when it has none. */
export function readEnv(
  given: readonly string[],
  files: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const result: string[] = [];
  for (const line of files.flatMap((file) => readListFile(file, "environment"))) {
    const name = /^[^=]*/.exec(line)?.[0] ?? "";
    if (name === "" || /\s/.test(name))
      throw new CliError(`poorly formatted environment: variable '${name}' in "${line}" is empty or contains whitespaces`, {
        exitCode: 125,
      });
    if (line.includes("=")) result.push(line);
    else if (env[line] !== undefined) result.push(`${line}=${env[line]}`);
  }
  for (const one of given) {
    if (one.startsWith("=") || one === "")
      throw new CliError(`invalid environment variable: ${one}: write NAME=value or NAME`, { exitCode: 125 });
    if (one.includes("=")) result.push(one);
    // A name alone that is unset here removes the variable of the image.
    else result.push(env[one] === undefined ? one : `${one}=${env[one]}`);
  }
  return result;
}
