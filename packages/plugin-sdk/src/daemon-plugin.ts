import type { Awaitable, PluginCall } from "./plugin-call.ts";

/** How to run one assistant process. */
export interface AssistantProcess {
  /** Unique within the plugin; names its lines in the daemon's log. */
  name: string;
  /** Program: an absolute path, or a name found in the daemon's PATH. */
  command: string;
  args?: string[];
  /** Added to the daemon's environment. */
  env?: Record<string, string>;
  workingDirectory?: string;
  restart?: {
    /** When an exit is followed by a new start. Default: "always". */
    policy?: "always" | "on-failure" | "never";
    /** Wait before the first restart, at least 10, doubled for each that follows. Default: 100. */
    initialDelayMs?: number;
    /** Longest wait, at least 1000. A process that lived longer than this starts again from the first. Default: 30000. */
    maxDelayMs?: number;
  };
  /** Between SIGTERM and SIGKILL when it is stopped. Default: 5000. */
  stopTimeoutMs?: number;
}

/** A running assistant. */
export interface AssistantHandle {
  readonly name: string;
  /** Process id of the current run, undefined between two runs. */
  readonly pid: number | undefined;
  /** How often it was started again. */
  readonly restarts: number;
  /** SIGTERM to the process and what it started, SIGKILL after `stopTimeoutMs`; it is not started again. */
  stop(): Promise<void>;
}

/**
 * Starts processes that live as long as the daemon: restarted with back-off, their output in the daemon's log, stopped in
 * reverse order at the end, and gone with all their children even when the daemon is killed with SIGKILL.
 */
export interface Supervisor {
  /** Resolves when the process is running; fails when the program does not exist. */
  start(process: AssistantProcess): Promise<AssistantHandle>;
}

/** What the daemon points receive. */
export interface DaemonCall extends PluginCall {
  readonly supervisor: Supervisor;
  /** The daemon's directory for state of this plugin; made on first use, kept across restarts. */
  readonly stateDirectory: string;
}

/** Points in the life of the daemon, and of the plugin in it: it may come and go while the daemon serves. */
export interface DaemonPlugin {
  /**
   * Configuration is read and plugins are loaded; containerd is unused and nothing listens. A throw stops the daemon with a message. At an
   * install, enable or reload of this plugin containerd runs and the API is served; a throw fails that.
   */
  preStartHook?(call: DaemonCall): Awaitable<void>;
  /**
   * Graceful stop: no new requests, containerd still up. Also when this plugin is disabled, removed or reloaded, while the API is served,
   * and when the rest of the start fails or is called off, with or without containerd.
   * Not a promise: SIGKILL has no hook. A throw is logged.
   */
  preStopHook?(call: DaemonCall): Awaitable<void>;
}
