import { helpOf, optionSpecs, type OptionSpec } from "./options.ts";

const groupTitles: Record<OptionSpec["group"], string> = {
  state: "State",
  access: "Access",
  containerd: "containerd",
  containers: "Containers",
  images: "Images",
  network: "Network",
  plugins: "Plugins",
  diagnosis: "Diagnosis",
};

/** The text of `pouchd --help`. */
export function helpText(): string {
  const lines = [
    "pouchd, the daemon of PouchContainer: a container engine with plugins, on containerd and runc.",
    "",
    "Usage:  pouchd [OPTIONS]",
    "        pouchd plugin ls | disable NAME | enable NAME [OPTIONS]    the plugins of a daemon that is down",
    "",
    "Examples:",
    "  pouchd                                             state under /var/lib/pouch, API at unix:///var/run/pouchd.sock",
    "  pouchd -l unix:///tmp/p/p.sock --home-dir /tmp/p/home --exec-root-dir /tmp/p/run --pidfile /tmp/p/pid",
    "  pouchd --rebuild-store                             makes the database anew from the records beside it, and ends",
    "  pouchd plugin disable legacy-env                   keeps a plugin out of the daemon's next start",
    "  pouchd --containerd /run/containerd/containerd.sock   use a containerd that runs already",
  ];
  for (const [group, title] of Object.entries(groupTitles)) {
    lines.push("", `${title}:`);
    for (const [name, spec] of optionSpecs) if (spec.group === group) lines.push(helpLine(name, spec));
  }
  lines.push(
    "",
    "      --rebuild-store                Make the database anew from the records beside it, and end",
    "  -h, --help                         Show this text",
    "  -v, --version                      Show the version",
    "",
  );
  return lines.join("\n");
}

function helpLine(name: string, spec: OptionSpec): string {
  const flag = `${spec.short ? `-${spec.short},` : "   "} --${name}${spec.placeholder ? ` ${spec.placeholder}` : ""}`;
  const fallback = spec.default;
  const shown = fallback === undefined || fallback === false || (typeof fallback === "object" && fallback.length === 0);
  return `  ${flag.padEnd(34)} ${helpOf(spec)}${shown ? "" : ` (default ${String(fallback)})`}`;
}
