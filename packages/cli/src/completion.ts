import type { Command, CommandEntry } from "./command.ts";
import { globalFlags } from "./global-flags.ts";
import { childName, groupsOf, groupSummaries } from "./help.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** The command that lists the names of a kind of object. */
const listings: Readonly<Record<NonNullable<CommandEntry["names"]>, string>> = {
  containers: "pouch ps -a --format '{{.Names}}'",
  images: "pouch images --format '{{.Repository}}:{{.Tag}}'",
  networks: "pouch network ls --format '{{.Name}}'",
  plugins: "pouch plugin ls --format '{{.Name}}'",
  volumes: "pouch volume ls -q",
};

interface Loaded {
  entry: CommandEntry;
  command: Command;
}

/** The completion script of a shell, made of the table of commands: it cannot know a flag that is not there. */
export async function completionScript(shell: Shell, commands: readonly CommandEntry[]): Promise<string> {
  const loaded = await Promise.all(
    commands
      .filter((entry) => entry.hidden !== true)
      .map(async (entry): Promise<Loaded> => ({ entry, command: await entry.load() })),
  );
  if (shell === "fish") return fishScript(loaded);
  const script = bashScript(loaded);
  return shell === "bash" ? script : `#compdef pouch\nautoload -U +X bashcompinit && bashcompinit\n${script}`;
}

const flagWords = (command: Command): string[] =>
  Object.entries(command.flags).flatMap(([name, spec]) =>
    spec.hidden === true ? [] : [`--${name}`, ...(spec.short === undefined ? [] : [`-${spec.short}`])],
  );

function bashScript(loaded: readonly Loaded[]): string {
  const groups = groupsOf(loaded.map(({ entry }) => entry));
  const top = [...loaded.flatMap(({ entry }) => childName(entry, "", "").map(([name]) => name)), ...groups, "help"].sort();
  const globals = Object.keys(globalFlags).map((name) => `--${name}`);
  const groupCases = groups.map((group) => {
    const children = loaded.flatMap(({ entry }) => childName(entry, group, "").map(([name]) => name));
    return `    ${bashQuote(group)}) words="${children.sort().join(" ")}" ;;`;
  });
  const commandCases = loaded.map(({ entry, command }) => {
    const names = entry.names === undefined ? "" : ` names=${bashQuote(listings[entry.names])}`;
    return `    ${entry.paths.map(bashQuote).join("|")}) flags="${[...flagWords(command), "--help"].join(" ")}"${names} ;;`;
  });
  return `# Completion of pouch for bash; made by "pouch completion".
_pouch() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path="" words="" flags="" names="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
    -H | --host | --config | --tlscacert | --tlscert | --tlskey) ((i++)) ;;
    -*) ;;
    *)
      if [[ -z $path ]]; then
        path="$word"
        case "$path" in ${groups.join(" | ")}) ;; *) break ;; esac
      else
        path="$path $word"
        break
      fi
      ;;
    esac
  done
  case "$path" in
    "") words="${top.join(" ")}" flags="${globals.join(" ")}" ;;
${groupCases.join("\n")}
${commandCases.join("\n")}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ -n $names ]]; then
    COMPREPLY=($(compgen -W "$(eval "$names" 2>/dev/null)" -- "$cur"))
    type __ltrimcolon_completions &>/dev/null && __ltrimcolon_completions "$cur"
  elif [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -o default -F _pouch pouch
`;
}

const bashQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function fishScript(loaded: readonly Loaded[]): string {
  const groups = groupsOf(loaded.map(({ entry }) => entry));
  const lines = ['# Completion of pouch for fish; made by "pouch completion".', "complete -c pouch -f"];
  for (const group of groups)
    lines.push(`complete -c pouch -n __fish_use_subcommand -a ${group} -d ${bashQuote(groupSummaries[group] ?? group)}`);
  for (const [name, spec] of Object.entries(globalFlags)) {
    lines.push(fishFlag("__fish_use_subcommand", name, spec));
  }
  for (const { entry, command } of loaded) {
    for (const path of entry.paths) {
      const [first = "", second] = path.split(" ");
      const seen =
        second === undefined
          ? `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${groups.join(" ")}`
          : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
      if (second === undefined)
        lines.push(`complete -c pouch -n __fish_use_subcommand -a ${first} -d ${bashQuote(entry.summary)}`);
      else
        lines.push(
          `complete -c pouch -n ${bashQuote(`__fish_seen_subcommand_from ${first}`)} -a ${second} -d ${bashQuote(entry.summary)}`,
        );
      for (const [name, spec] of Object.entries(command.flags))
        if (spec.hidden !== true) lines.push(fishFlag(bashQuote(seen), name, spec));
      if (entry.names !== undefined)
        lines.push(`complete -c pouch -n ${bashQuote(seen)} -a ${bashQuote(`(${listings[entry.names]} 2>/dev/null)`)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function fishFlag(
  condition: string,
  name: string,
  spec: { help: string; short?: string; placeholder?: string; choices?: readonly string[] },
): string {
  const short = spec.short === undefined ? "" : ` -s ${spec.short}`;
  const value =
    spec.placeholder === undefined ? "" : ` -r${spec.choices === undefined ? "" : ` -a ${bashQuote(spec.choices.join(" "))}`}`;
  return `complete -c pouch -n ${condition}${short} -l ${name}${value} -d ${bashQuote(spec.help)}`;
}
