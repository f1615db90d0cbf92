import { readFileSync } from "node:fs";

/** Names of the interfaces of this process' own network namespace; `/sys` may show another's. */
export function hostLinks(): string[] {
  const [, , ...lines] = readFileSync("/proc/net/dev", "utf8").trimEnd().split("\n");
  return lines.map((line) => line.slice(0, line.indexOf(":")).trim());
}
