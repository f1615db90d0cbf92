import { invalidArgument } from "@pouchcontainer/errors";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { AssistantProcess } from "./daemon-plugin.ts";
import { programWord } from "./program-word.ts";
import { describeIssue } from "./schema-issue.ts";

const program = Type.String({ pattern: "^[^\\u0000]+$" });
/** What a timer can wait. */
const milliseconds = Type.Optional(Type.Number({ minimum: 0, maximum: 2 ** 31 - 1 }));

/** JSON Schema of `AssistantProcess`. */
export const assistantProcessSchema = Type.Object({
  name: Type.String({ minLength: 1 }),
  command: program,
  args: Type.Optional(Type.Array(programWord)),
  env: Type.Optional(Type.Record(Type.String({ pattern: "^[^=\\u0000]+$" }), programWord)),
  workingDirectory: Type.Optional(program),
  restart: Type.Optional(
    Type.Object({
      policy: Type.Optional(Type.Enum(["always", "on-failure", "never"])),
      initialDelayMs: milliseconds,
      maxDelayMs: milliseconds,
    }),
  ),
  stopTimeoutMs: milliseconds,
});

const check = Compile(assistantProcessSchema);

/** What a plugin asks its supervisor to run. Throws `invalidArgument` that names the member for what is none. */
export function checkedAssistant(process: unknown): AssistantProcess {
  if (!check.Check(process)) throw invalidArgument(describeIssue(check.Errors(process), process, "process"));
  return process;
}
