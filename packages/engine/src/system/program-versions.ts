import { runProgram } from "@pouchcontainer/owners";
import { statSync } from "node:fs";

/** A program's version and the commit it was built from; empty where it does not say. */
export interface ProgramVersion {
  version: string;
  commit: string;
}

/** Version of a runtime that answers `--version` as runc and crun do, or of an init such as tini; undefined when it cannot be run. */
export async function programVersion(path: string): Promise<ProgramVersion | undefined> {
  let output: string;
  try {
    output = (await runProgram(path, ["--version"], { timeoutMs: 5000 })).stdout;
  } catch {
    // Not there, or not willing: `info` says so with an empty version.
    return undefined;
  }
  return {
    version: /\bversion:?\s+v?(\S+)/.exec(output)?.[1] ?? "",
    commit: (/^commit:\s*(\S+)/m.exec(output) ?? /\bgit\.([0-9a-f]+)/.exec(output))?.[1] ?? "",
  };
}

/** Asks each program once, and again when its file was replaced. */
export class ProgramVersions {
  readonly #known = new Map<string, { mtimeMs: number; answer: Promise<ProgramVersion | undefined> }>();

  of(path: string): Promise<ProgramVersion | undefined> {
    // A bare name is looked up in PATH by the system; it has no file to watch here and is asked each time.
    const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -1;
    const known = this.#known.get(path);
    if (known !== undefined && mtimeMs !== -1 && known.mtimeMs === mtimeMs) return known.answer;
    const answer = programVersion(path);
    this.#known.set(path, { mtimeMs, answer });
    return answer;
  }
}
