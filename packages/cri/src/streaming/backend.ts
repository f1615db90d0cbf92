import type { Duplex, Readable, Writable } from "node:stream";

/** Which streams of a process a client wants; with a terminal there is no stderr of its own. */
export interface WantedStreams {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

export interface AttachRequest extends WantedStreams {
  containerId: string;
}

export interface ExecRequest extends AttachRequest {
  command: readonly string[];
}

export interface PortForwardRequest {
  podSandboxId: string;
  /** What the client announced; over SPDY it names a port with every connection, whatever stands here. */
  ports: readonly number[];
}

export interface PortRequest {
  podSandboxId: string;
  /** 1 to 65535. */
  port: number;
}

/** Of a terminal, in characters. */
export interface TerminalSize {
  width: number;
  height: number;
}

/**
 * A client connected with a process. Errors of its streams have an owner already; a stream whose client is gone is destroyed. What
 * is read and written at the backend's pace holds up the client, and the other way round.
 */
export interface CommandSession {
  /** Ends when the client has no more input (half-close); is destroyed, without an end, when the client is gone. */
  stdin?: Readable;
  stdout?: Writable;
  stderr?: Writable;
  /** Sizes the client's terminal takes on. Who is slow to take them gets the last one only; ends with the session. */
  resize: AsyncIterable<TerminalSize>;
  /** Aborted when the client is gone, was idle for too long, or the server closes. */
  signal: AbortSignal;
  /** How the process ended: 0 to 255. Not called: as if with 0. */
  exited: (code: number) => void;
}

/** What the streaming server needs of whoever runs containers. */
export interface StreamingBackend {
  /**
   * Runs a command in a container. Resolves when it has ended and all its output was written; rejects when it could not be run,
   * and the client reads the message.
   */
  exec(request: ExecRequest, session: CommandSession): Promise<void>;
  /** Connects with a container's process. Resolves when its output ended, or the signal is aborted. */
  attach(request: AttachRequest, session: CommandSession): Promise<void>;
  /**
   * Connects with a port of a pod. Each end of the connection is a half-close. Resolves when nothing more passes; rejects when there
   * is no connection, and the client reads the message.
   */
  portForward(request: PortRequest, connection: Duplex, signal: AbortSignal): Promise<void>;
}
