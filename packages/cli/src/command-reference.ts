import type { CommandEntry } from "./command.ts";
import type { Flags } from "./flags/flag-types.ts";
import { globalFlags } from "./global-flags.ts";
import { flagHead, flagText } from "./help.ts";

/** `docs/cli.md`: every command with its flags and examples, made of the same data the parser uses. */
export async function commandReference(commands: readonly CommandEntry[]): Promise<string> {
  const listed = commands
    .filter((entry) => entry.hidden !== true)
    .toSorted((a, b) => ((a.paths[0] ?? "") < (b.paths[0] ?? "") ? -1 : 1));
  const sections = await Promise.all(
    listed.map(async (entry) => {
      const command = await entry.load();
      const [path = "", ...aliases] = entry.paths;
      const parts = [`## pouch ${path}`, `${entry.summary}.`, `\`\`\`\npouch ${path} ${command.usage}`.trimEnd() + "\n```"];
      if (command.description !== undefined) parts.push(command.description);
      if (aliases.length > 0) parts.push(`Also: ${aliases.map((one) => `\`pouch ${one}\``).join(", ")}`);
      if (command.examples.length > 0)
        parts.push(`\`\`\`sh\n${command.examples.map((one) => `# ${one.does}\n${one.run}`).join("\n")}\n\`\`\``);
      if (Object.keys(command.flags).length > 0) parts.push(flagTable(command.flags));
      return parts.join("\n\n");
    }),
  );
  return [
    "# The `pouch` command",
    "Made by `pouch gen-doc` from the commands themselves; a test keeps both the same. `pouch COMMAND --help` prints the same in a terminal.",
    "The daemon is found at `-H`, else `POUCH_HOST`, else `DOCKER_HOST`, else `unix:///var/run/pouchd.sock`. `POUCH_API_VERSION` skips the version negotiation, `POUCH_CONFIG` names the folder of the client's configuration, `POUCH_TLS_VERIFY` and `POUCH_CERT_PATH` do for TLS what Docker's variables do, which are read too.",
    "## Global options",
    flagTable(globalFlags),
    ...sections,
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");
}

function flagTable(flags: Flags): string {
  const rows = Object.entries(flags)
    .filter(([, spec]) => spec.hidden !== true)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, spec]) => {
      const also = spec.aliases === undefined ? "" : `, also ${spec.aliases.map((one) => `\`--${one}\``).join(", ")}`;
      return `| \`${flagHead(name, spec).trim()}\` | ${flagText(spec).replaceAll("|", "\\|").replaceAll("<", "&lt;")}${also} |`;
    });
  return `| flag | what it does |\n| --- | --- |\n${rows.join("\n")}`;
}
