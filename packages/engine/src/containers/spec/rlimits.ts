import type { Ulimit } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { type ExactInteger, type Rlimit, rlimitInfinity } from "@pouchcontainer/oci";
import type { HostFacts } from "./host-facts.ts";

const names = new Set(
  "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);

/** Refuses what dockerd refuses of a `--ulimit`. */
export function validateUlimit(limit: Ulimit): void {
  const name = (limit.Name ?? "").toLowerCase();
  if (!names.has(name)) throw invalidArgument(`invalid ulimit type: ${limit.Name ?? ""}`);
  const hard = limit.Hard ?? 0;
  const soft = limit.Soft ?? 0;
  if (hard !== -1 && (soft > hard || soft === -1))
    throw invalidArgument(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
}

/**
 * The limits of a container: its own, then the daemon's defaults for other names. Where the daemon may not raise limits,
 * a hard limit above its own is lowered to it with a warning, because runc would fail to set it.
 */
export function buildRlimits(
  own: readonly Ulimit[],
  defaults: readonly Ulimit[],
  facts: Pick<HostFacts, "mayRaiseLimits" | "hardLimits">,
): { rlimits: Rlimit[]; warnings: string[] } {
  const chosen = new Map<string, Ulimit>();
  for (const limit of [...defaults, ...own]) {
    validateUlimit(limit);
    chosen.set(`RLIMIT_${(limit.Name ?? "").toUpperCase()}`, limit);
  }
  const warnings: string[] = [];
  const rlimits = [...chosen].map(([type, limit]): Rlimit => {
    const ceiling = facts.mayRaiseLimits ? undefined : facts.hardLimits[type];
    const hard = limit.Hard ?? 0;
    const soft = limit.Soft ?? 0;
    if (ceiling === undefined || (hard !== -1 && hard <= ceiling)) return { type, hard: unlimited(hard), soft: unlimited(soft) };
    warnings.push(
      `The daemon may not raise ulimit ${limit.Name} to ${hard === -1 ? "unlimited" : hard}; its own limit ${ceiling} is used.`,
    );
    return { type, hard: ceiling, soft: soft === -1 ? ceiling : Math.min(soft, ceiling) };
  });
  return { rlimits, warnings };
}

const unlimited = (value: number): number | ExactInteger => (value === -1 ? rlimitInfinity() : value);
