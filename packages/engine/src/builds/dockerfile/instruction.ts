/** One instruction of a Dockerfile. */
export interface Instruction {
  /** In capitals. */
  name: string;
  /** What is between the name and the rest: `--from=base`. */
  flags: ReadonlyMap<string, string>;
  /** What is behind the flags. */
  rest: string;
  /** The same with them. */
  whole: string;
  /** All of it, as it is shown. */
  text: string;
}

/** A `FROM` and what comes behind it. */
export interface Stage {
  from: Instruction;
  /** As it is written, variables included. */
  base: string;
  /** In small letters; undefined for one without. */
  name: string | undefined;
  instructions: Instruction[];
}

export interface Dockerfile {
  escape: string;
  /** `ARG`s before the first stage. */
  arguments: Instruction[];
  stages: Stage[];
  warnings: string[];
}
