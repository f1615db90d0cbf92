import { cancelled } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { CommandSession, StreamingBackend, TerminalSize, WantedStreams } from "../streaming/backend.ts";
import { connectProcess, type ConnectedProcess } from "./connect-process.ts";

/** What the streams of exec and attach need of the engine. */
export interface CommandBackendDeps {
  exec: {
    create(id: string, config: ExecConfig, options: { detachable: boolean; drained: boolean }): Promise<{ Id: string }>;
    start(execId: string): Promise<ConnectedProcess>;
    exited(execId: string): Promise<number>;
    resize(execId: string, size: TerminalSize): Promise<void>;
  };
  containers: {
    attach(
      id: string,
      request: { stdin: boolean; stdout: boolean; stderr: boolean; logs: boolean; stream: boolean; detachable: boolean },
    ): Promise<ConnectedProcess>;
    resize(id: string, size: TerminalSize): Promise<void>;
  };
}

interface ExecConfig {
  Cmd: string[];
  Tty: boolean;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
}

/**
 * Connects clients of the streaming server with processes. A client that goes lets go of its process, which runs on, without input, and
 * with nobody to read what it says, so that it costs nothing (containerd does the same); there are no keys that do so.
 */
export function commandBackend({ exec, containers }: CommandBackendDeps): Pick<StreamingBackend, "exec" | "attach"> {
  return {
    exec: async ({ containerId, command, ...wanted }, session) => {
      const config = { Cmd: [...command], Tty: wanted.tty, ...attached(wanted) };
      const { Id: id } = await exec.create(containerId, config, { detachable: false, drained: false });
      refuseGone(session);
      const exited = exec.exited(id);
      const process = await exec.start(id);
      if (wanted.tty) resizing(session, (size) => exec.resize(id, size));
      await connectProcess(process, session);
      const code = await Promise.race([exited, aborted(session.signal)]);
      if (code !== undefined) session.exited(code);
    },
    attach: async ({ containerId, stdin, stdout, stderr }, session) => {
      refuseGone(session);
      const process = await containers.attach(containerId, {
        stdin,
        stdout,
        stderr,
        logs: false,
        stream: true,
        detachable: false,
      });
      if (process.tty) resizing(session, (size) => containers.resize(containerId, size));
      await connectProcess(process, session);
    },
  };
}

const attached = ({ stdin, stdout, stderr }: WantedStreams) => ({
  AttachStdin: stdin,
  AttachStdout: stdout,
  AttachStderr: stderr,
});

function refuseGone({ signal }: CommandSession): void {
  if (signal.aborted) throw cancelled("the client is gone");
}

/** Nothing is wrong with a size that comes for a process that has ended. */
function resizing({ resize }: CommandSession, apply: (size: TerminalSize) => Promise<void>): void {
  inBackground("sizes of a terminal", async () => {
    for await (const size of resize) await apply(size).catch(() => undefined);
  });
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
