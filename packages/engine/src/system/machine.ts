import { readFileSync, readdirSync } from "node:fs";
import { arch, hostname, machine } from "node:os";
import { join } from "node:path";

/** What `info` and `version` tell about the machine. */
export interface Machine {
  hostname: string;
  /** As `uname -m` names it: `x86_64`. */
  machine: string;
  /** As Go names it: `amd64`. */
  architecture: string;
  /** `Debian GNU/Linux 12 (bookworm)`. */
  operatingSystem: string;
  osVersion: string;
}

const goNames: Record<string, string> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

export function readMachine(root = "/"): Machine {
  const release = osRelease(root);
  return {
    hostname: hostname(),
    machine: machine(),
    architecture: goNames[arch()] ?? arch(),
    operatingSystem: release["PRETTY_NAME"] ?? release["NAME"] ?? "Linux",
    osVersion: release["VERSION_ID"] ?? "",
  };
}

/** os-release(5): the file of the administrator's, or the vendor's. */
function osRelease(root: string): Record<string, string> {
  for (const path of ["etc/os-release", "usr/lib/os-release"]) {
    const text = readOrEmpty(join(root, path));
    if (text !== "") return Object.fromEntries(text.split("\n").flatMap(assignment));
  }
  return {};
}

function assignment(line: string): [string, string][] {
  const match = /^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
  const [, name = "", double, single, plain = ""] = match ?? [];
  return name === "" ? [] : [[name, double ?? single ?? plain]];
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** File descriptors this process has open. */
export function openFileDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
