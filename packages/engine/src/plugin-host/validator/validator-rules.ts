/** What the validator refuses; nothing by default. */
export interface ValidatorRules {
  /** Hooks that plugins let run on the host. */
  hostHooks: boolean;
  /** A seccomp profile that a plugin set, replaced or took away. */
  seccompChange: boolean;
  /** `Privileged` that a plugin raised. */
  privileged: boolean;
  /** Absolute host paths that nobody mounts into a container, nor what is below them or contains them. */
  binds: readonly string[];
}

/** Reads `no-host-hooks`, `no-seccomp-change`, `no-privileged` and `no-bind=PATH`. */
export function validatorRules(words: readonly string[]): ValidatorRules {
  return {
    hostHooks: words.includes("no-host-hooks"),
    seccompChange: words.includes("no-seccomp-change"),
    privileged: words.includes("no-privileged"),
    binds: words.flatMap((word) => (word.startsWith("no-bind=") ? [word.slice("no-bind=".length)] : [])),
  };
}
