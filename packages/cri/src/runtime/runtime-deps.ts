/** What can be said of a condition; `reason` is a word, `message` a sentence. */
export interface Readiness {
  ready: boolean;
  reason?: string;
  message?: string;
}

/** A runtime handler pods can ask for; the one without a name is the default. */
export interface RuntimeHandlerInfo {
  name: string;
  features: { recursiveReadOnlyMounts: boolean; userNamespaces: boolean };
}

/** What calls about the runtime itself ask for. */
export interface RuntimeDeps {
  /** The daemon's version. */
  version: string;
  cgroupDriver: "cgroupfs" | "systemd";
  /** Whether containers can be run. */
  runtimeReadiness: () => Promise<Readiness>;
  /** Whether pods can be given a network. */
  networkReadiness: () => Promise<Readiness>;
  handlers: readonly RuntimeHandlerInfo[];
  features: { supplementalGroupsPolicy: boolean; userNamespacesHostNetwork: boolean; mountOptions: boolean };
  /** What a verbose status shows of the configuration; nothing secret. */
  configuration: () => Record<string, unknown>;
}
