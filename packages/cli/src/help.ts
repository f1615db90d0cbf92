import type { Command, CommandEntry } from "./command.ts";
import type { Flags, FlagSpec } from "./flags/flag-types.ts";
import { globalFlags } from "./global-flags.ts";

/** The text of `pouch COMMAND --help`. */
export function commandHelp(entry: CommandEntry, command: Command, columns: number): string {
  const [path = "", ...aliases] = entry.paths;
  const parts = [`Usage:  pouch ${path} ${command.usage}`.trimEnd(), entry.summary];
  if (command.description !== undefined) parts.push(command.description);
  if (aliases.length > 0) parts.push(`Aliases:\n  ${[path, ...aliases].map((one) => `pouch ${one}`).join(", ")}`);
  if (command.examples.length > 0) {
    parts.push(`Examples:\n${command.examples.map((one) => `  # ${one.does}\n  ${one.run}`).join("\n")}`);
  }
  const options = flagLines(command.flags, columns);
  if (options !== "") parts.push(`Options:\n${options}`);
  return `${parts.join("\n\n")}\n`;
}

/** The text of `pouch --help` (prefix "") and `pouch GROUP --help`. */
export function groupHelp(prefix: string, summary: string, entries: readonly CommandEntry[], columns: number): string {
  const listed = entries.filter((entry) => entry.hidden !== true);
  if (prefix !== "") {
    const commands = listed.flatMap((entry) => childName(entry, prefix, entry.summary));
    return `Usage:  pouch ${prefix} COMMAND\n\n${summary}\n\nCommands:\n${columnsOf(commands)}\n\nRun 'pouch ${prefix} COMMAND --help' for more information on a command.\n`;
  }
  const top = listed.flatMap((entry) => childName(entry, "", entry.summary));
  const groups = groupsOf(listed).map((group): [string, string] => [group, groupSummaries[group] ?? ""]);
  return [
    "Usage:  pouch [OPTIONS] COMMAND",
    summary,
    `Commands:\n${columnsOf(top)}`,
    `Management Commands:\n${columnsOf(groups)}`,
    `Global Options:\n${flagLines(globalFlags, columns)}`,
    "Run 'pouch COMMAND --help' for more information on a command.\n",
  ].join("\n\n");
}

export const programSummary = "An efficient container engine with plugins";

export const groupSummaries: Readonly<Record<string, string>> = {
  container: "Manage containers",
  image: "Manage images",
  network: "Manage networks",
  plugin: "Manage plugins",
  system: "Manage the daemon",
  volume: "Manage volumes",
};

/** The groups (`container`, `image`…) that any spelling of any command belongs to. */
export function groupsOf(entries: readonly CommandEntry[]): string[] {
  const groups = entries.flatMap((entry) =>
    entry.paths.filter((path) => path.includes(" ")).map((path) => path.slice(0, path.indexOf(" "))),
  );
  return [...new Set(groups)].sort();
}

/** The name of a command inside a group (or at the top, for prefix ""), when it has one there. */
export function childName(entry: CommandEntry, prefix: string, summary: string): [string, string][] {
  const path = entry.paths.find((one) => (prefix === "" ? !one.includes(" ") : one.startsWith(`${prefix} `)));
  return path === undefined ? [] : [[prefix === "" ? path : path.slice(prefix.length + 1), summary]];
}

function columnsOf(rows: readonly [string, string][]): string {
  const sorted = rows.toSorted(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(...sorted.map(([name]) => name.length));
  return sorted.map(([name, says]) => `  ${name.padEnd(width)}   ${says}`).join("\n");
}

/** One line per flag, wrapped to the terminal. */
function flagLines(flags: Flags, columns: number): string {
  const shown = Object.entries(flags).filter(([, spec]) => spec.hidden !== true);
  const heads = shown.map(([name, spec]): [string, string] => [flagHead(name, spec), flagText(spec)]);
  const width = Math.max(0, ...heads.map(([head]) => head.length)) + 3;
  const room = Math.max(24, (columns > 0 ? columns : 80) - width);
  const byName = heads.toSorted(([a], [b]) => (a.slice(8) < b.slice(8) ? -1 : 1));
  return byName.map(([head, says]) => head.padEnd(width) + wrap(says, room).join(`\n${" ".repeat(width)}`)).join("\n");
}

/** `  -a, --all`, `      --name string`. */
export function flagHead(name: string, spec: FlagSpec<unknown>): string {
  const short = spec.short === undefined ? "    " : `-${spec.short}, `;
  return `  ${short}--${name}${spec.placeholder === undefined ? "" : ` ${spec.placeholder}`}`;
}

export function flagText(spec: FlagSpec<unknown>): string {
  const choices = spec.choices === undefined ? "" : ` (${spec.choices.join("|")})`;
  const fallback =
    spec.shownDefault === undefined
      ? ""
      : ` (default ${spec.placeholder === "string" ? `"${spec.shownDefault}"` : spec.shownDefault})`;
  return `${spec.help}${choices}${fallback}`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
