import { invalidArgument } from "@pouchcontainer/errors";

/** `HostConfig.SecurityOpt`, taken apart. */
export interface SecurityOptions {
  noNewPrivileges: boolean;
  /** Profile name, `unconfined`, or absent for the default. */
  apparmor?: string;
  /** `unconfined`, `builtin`, the JSON text of a profile, or absent for the default. */
  seccomp?: string;
  /** SELinux label options, in order. */
  labels: string[];
  writableCgroups: boolean;
}

/** Reads the options as dockerd does: `key=value`, or `key:value` as old clients write it. */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  const parsed: SecurityOptions = { noNewPrivileges: false, labels: [], writableCgroups: false };
  for (const option of options) {
    if (option === "no-new-privileges") {
      parsed.noNewPrivileges = true;
      continue;
    }
    if (option === "disable") {
      parsed.labels.push("disable");
      continue;
    }
    const separator = option.includes("=") ? "=" : ":";
    const at = option.indexOf(separator);
    if (at === -1) throw invalidArgument(`invalid --security-opt 1: "${option}"`);
    apply(parsed, option.slice(0, at), option.slice(at + 1), option);
  }
  return parsed;
}

function apply(parsed: SecurityOptions, key: string, value: string, option: string): void {
  switch (key) {
    case "label":
      parsed.labels.push(value);
      return;
    case "apparmor":
      parsed.apparmor = value;
      return;
    case "seccomp":
      parsed.seccomp = value;
      return;
    case "no-new-privileges":
      parsed.noNewPrivileges = booleanOption(value, option);
      return;
    case "writable-cgroups":
      parsed.writableCgroups = booleanOption(value, option);
      return;
    default:
      throw invalidArgument(`invalid --security-opt 2: "${option}"`);
  }
}

/** Go's `strconv.ParseBool`. */
function booleanOption(value: string, option: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw invalidArgument(`invalid --security-opt 2: "${option}"`);
}
