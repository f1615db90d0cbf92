export interface SupervisorLogger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface SupervisedContainerd {
  readonly address: string;
  /** `undefined` while it is being restarted. */
  readonly pid: number | undefined;
  /** Whether an earlier daemon started the process that runs now. */
  readonly adopted: boolean;
  /** The listener runs each time containerd answers again after its death. Returns what ends the subscription. */
  onRestarted(listener: () => void): () => void;
  /** Ends containerd; containers go on running under their shims. */
  stop(): Promise<void>;
  /** Ends the supervision and leaves containerd running, for the next daemon to adopt. */
  detach(): Promise<void>;
}
