import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDockerfile } from "./parse-dockerfile.ts";
import { readLines } from "./read-lines.ts";

test("lines are joined as they stand, without the comments and empty lines between them", () => {
  const source = "# note\n\nFROM a\nRUN x && \\  \n   # inside\n\n   y\\\n z \nCMD end\\";
  assert.deepEqual(readLines(source), {
    escape: "\\",
    instructions: [
      { line: 3, text: "FROM a" },
      { line: 4, text: "RUN x &&    y z" },
      { line: 9, text: "CMD end" },
    ],
    warnings: [
      "[WARNING]: Empty continuation line found in:\n    RUN x &&    y z",
      "[WARNING]: Empty continuation lines will become errors in a future release.",
    ],
  });
});

test("the first lines may name another character for the backslash", () => {
  const source = "\uFEFF# syntax=x\r\n#escape = `\r\nRUN a\\ `\r\n  b\r\n";
  assert.deepEqual(readLines(source), { escape: "`", instructions: [{ line: 3, text: "RUN a\\   b" }], warnings: [] });
  assert.equal(readLines("# a comment\n# escape=`\nRUN a").escape, "\\");
});

test("stages have their base, name and instructions; arguments may come before them", () => {
  const { arguments: before, stages } = parseDockerfile(
    "ARG v=1\nfrom --platform=linux/arm64 a:$v as Base\nCOPY --from=x --chown=a:b one two\nFROM base\n",
  );
  assert.deepEqual(
    before.map(({ rest }) => rest),
    ["v=1"],
  );
  assert.deepEqual(
    stages.map(({ base, name, from, instructions }) => [base, name, Object.fromEntries(from.flags), instructions.length]),
    [
      ["a:$v", "base", { platform: "linux/arm64" }, 1],
      ["base", undefined, {}, 0],
    ],
  );
  const [copy] = stages[0]?.instructions ?? [];
  assert.deepEqual(copy && [copy.name, Object.fromEntries(copy.flags), copy.rest], [
    "COPY",
    { from: "x", chown: "a:b" },
    "one two",
  ]);
});

test("what only looks like a here-document is the shell's", () => {
  const { stages } = parseDockerfile("FROM a\nRUN cat <<EOF\nRUN echo $((1<<x))\n");
  assert.equal(stages[0]?.instructions.length, 2);
});

test("what is wrong is told with its line, in dockerd's words", () => {
  const wrong: Record<string, string> = {
    "FROM a\n\nFOO x": "dockerfile parse error line 3: unknown instruction: FOO",
    "# nothing\n": "failed to parse Dockerfile: file with no instructions",
    "FROM a b c": "dockerfile parse error line 1: FROM requires either one or three arguments",
    "RUN x\nFROM a": "no build stage in current context",
    "FROM a\nCOPY x":
      "dockerfile parse error line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined",
    "FROM a\nRUN --x=1 y": "dockerfile parse error line 2: Unknown flag: x",
    "FROM a\nCOPY --from x y": "dockerfile parse error line 2: Missing a value on flag: from",
    "FROM a\nCOPY --from=x --from=y a b": "dockerfile parse error line 2: Duplicate flag specified: from",
    "FROM a\nENV b": "failed to parse Dockerfile: ENV must have two arguments",
    "FROM a\nSHELL sh": "dockerfile parse error line 2: SHELL requires the arguments to be in JSON form",
    "FROM a\nONBUILD FROM b": "dockerfile parse error line 2: FROM isn't allowed as an ONBUILD trigger",
    "FROM a\nRUN cat <<-'EOF'\n  x\n  EOF\n":
      "dockerfile parse error line 2: here-documents (<<-'EOF') are not supported by the classic builder",
    "# escape=x\nFROM a": "failed to parse Dockerfile: invalid escape token 'x' does not match ` or \\",
  };
  for (const [source, message] of Object.entries(wrong)) assert.throws(() => parseDockerfile(source), { message }, source);
});
