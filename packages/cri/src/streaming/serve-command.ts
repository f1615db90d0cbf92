import { EngineError } from "@pouchcontainer/errors";
import type { CommandSession, TerminalSize } from "./backend.ts";
import type { CommandStreams, StreamConnection } from "./command-streams.ts";
import { endStream } from "./end-stream.ts";
import { exitStatus, failureStatus, statusText, type Status } from "./status.ts";
import { terminalSizes } from "./terminal-sizes.ts";

export interface Command {
  /** For messages: "executing command in container". */
  doing: string;
  run: (session: CommandSession) => Promise<void>;
}

/** Connects a client's streams with a process, tells the client how that ended, and ends the connection. Never rejects. */
export async function serveCommand(streams: CommandStreams, connection: StreamConnection, command: Command): Promise<void> {
  const { stdin, stdout, stderr, resize, error, statusFormat } = streams;
  const { signal } = connection;
  let exitCode = 0;
  const status: Status = await command
    .run({
      ...(stdin === undefined ? {} : { stdin }),
      ...(stdout === undefined ? {} : { stdout }),
      ...(stderr === undefined ? {} : { stderr }),
      resize: resize === undefined ? noSizes : terminalSizes(resize, signal),
      signal,
      exited: (code) => {
        exitCode = code;
      },
    })
    .then(
      () => exitStatus(exitCode),
      (thrown: unknown) => failureStatus(command.doing, EngineError.from(thrown)),
    );
  // The status comes last: clients read the streams to their ends first, and v1 to v3 take silence for success.
  await Promise.all([stdout, stderr].map(async (stream) => stream && (await endStream(stream))));
  await endStream(error, statusText(status, statusFormat));
  await connection.finish();
}

const noSizes: AsyncIterable<TerminalSize> = {
  async *[Symbol.asyncIterator]() {
    // Without a terminal there are none.
  },
};
