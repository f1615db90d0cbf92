import { invalidArgument } from "@pouchcontainer/errors";

/** An instruction as it is written, joined to one line. */
export interface WrittenInstruction {
  /** Where it begins, from 1. */
  line: number;
  text: string;
}

export interface WrittenDockerfile {
  /** What joins lines and takes a character as it is: a backslash, or what the file's first lines say. */
  escape: string;
  instructions: WrittenInstruction[];
  /** What dockerd warns of, in its words. */
  warnings: string[];
}

const directive = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const known = new Set(["escape", "syntax"]);

/**
 * Joins a Dockerfile's lines to instructions (Dockerfile reference, "Format" and "Parser directives"): comments go, within an
 * instruction as well, and so do empty lines there; blanks stay as they are.
 */
export function readLines(source: string): WrittenDockerfile {
  const lines = source.replace(/^\uFEFF/, "").split(/\r?\n/);
  const escape = escapeOf(lines);
  const end = escape === "`" ? /`[ \t]*$/ : /\\[ \t]*$/;
  const instructions: WrittenInstruction[] = [];
  const broken = new Set<WrittenInstruction>();
  const lastLines = new Map(lines.map((line, index) => [line.trim(), index]));
  let open: WrittenInstruction | undefined;
  for (const [index, line] of lines.entries()) {
    if (open && /^\s*$/.test(line) && index < lines.length - 1) broken.add(open);
    if (/^\s*(#|$)/.test(line)) continue;
    open ??= { line: index + 1, text: "" };
    open.text += line.replace(end, "");
    if (end.test(line)) continue;
    refuseHereDocument(open, index, lastLines);
    instructions.push(open);
    open = undefined;
  }
  if (open) instructions.push(open);
  const written = instructions.map(({ line, text }) => ({ line, text: text.trim() })).filter(({ text }) => text !== "");
  return { escape, instructions: written, warnings: warningsOf([...broken]) };
}

/** Text up to a line that has this word alone. Without such a line it is the shell's. */
const hereDocument = /<<-?[ \t]*["']?([a-zA-Z_]\w*)["']?/g;

/** The lines of one would be taken for instructions, or worse, be none. `lastLines` says where a line is for the last time. */
function refuseHereDocument({ line, text }: WrittenInstruction, end: number, lastLines: ReadonlyMap<string, number>): void {
  if (!/^\s*(RUN|COPY|ADD)\s/i.test(text)) return;
  for (const [whole, word = ""] of text.matchAll(hereDocument)) {
    if ((lastLines.get(word) ?? 0) > end)
      throw invalidArgument(
        `dockerfile parse error line ${line}: here-documents (${whole}) are not supported by the classic builder`,
      );
  }
}

function warningsOf(broken: readonly WrittenInstruction[]): string[] {
  if (broken.length === 0) return [];
  return [
    ...broken.map(({ text }) => `[WARNING]: Empty continuation line found in:\n    ${text.trim()}`),
    "[WARNING]: Empty continuation lines will become errors in a future release.",
  ];
}

/** What the lines before the first one that is no directive say. */
function escapeOf(lines: readonly string[]): string {
  const said = new Set<string>();
  let escape = "\\";
  for (const line of lines) {
    const [, name = "", value = ""] = directive.exec(line) ?? [];
    const key = name.toLowerCase();
    if (!known.has(key)) break;
    if (said.has(key)) throw invalidArgument(`failed to parse Dockerfile: only one ${key} parser directive can be used`);
    said.add(key);
    if (key !== "escape") continue;
    if (value !== "\\" && value !== "`")
      throw invalidArgument(`failed to parse Dockerfile: invalid escape token '${value}' does not match \` or \\`);
    escape = value;
  }
  return escape;
}
