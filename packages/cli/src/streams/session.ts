import type { HijackedStream } from "../client/engine-client.ts";
import type { CliContext } from "../context.ts";
import type { WindowSize } from "../output/output.ts";
import { Demultiplexer } from "./demultiplex.ts";
import { EscapeFilter } from "./escape-keys.ts";
import { windowSizeSender } from "./window-size.ts";

export interface SessionOptions {
  stream: HijackedStream;
  /** The process has a terminal: its output is one raw stream, and this terminal goes raw too. */
  tty: boolean;
  /** Pass standard input on. */
  stdin: boolean;
  detachKeys: Uint8Array;
  /** Tells the process the size of the window. */
  resize(size: WindowSize): Promise<void>;
}

export interface Session {
  /** How it ended: the process closed its output, or the person typed the detach keys. */
  done: Promise<"ended" | "detached">;
  /** Sends the size of the window now; of use once the process runs. */
  sendSize(): Promise<void>;
  /** Lets go of the terminal and the connection. */
  close(): void;
}

/** Connects this process's standard streams with those of a process in a container. */
export async function openSession(context: CliContext, options: SessionOptions): Promise<Session> {
  const { stream } = options;
  const undos: (() => void)[] = [];
  if (options.tty && options.stdin && context.stdin().isTTY) {
    const { enterRawMode } = await import("./raw-mode.ts");
    undos.push(enterRawMode(context));
  }
  const sendSize = windowSizeSender(
    () => (options.tty ? context.out.size() : undefined),
    async (size) => await options.resize(size),
  );
  if (options.tty) undos.push(context.onResize(() => void sendSize()));

  const detached = options.stdin ? pumpInput(context, options, undos) : new Promise<never>(() => undefined);
  const ended = pumpOutput(context, options);
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    for (const undo of undos) undo();
    stream.destroy();
  };
  return { done: Promise.race([ended, detached]).finally(close), sendSize, close };
}

async function pumpOutput(context: CliContext, { stream, tty }: SessionOptions): Promise<"ended"> {
  const demultiplexer = new Demultiplexer((name, data) => (name === "stderr" ? context.err : context.out).write(data));
  for await (const chunk of stream.incoming) {
    if (tty) context.out.write(chunk);
    else demultiplexer.push(chunk);
  }
  return "ended";
}

/** Resolves only when the detach keys were typed. */
async function pumpInput(
  context: CliContext,
  { stream, tty, detachKeys }: SessionOptions,
  undos: (() => void)[],
): Promise<"detached"> {
  const input = context.stdin();
  const filter = new EscapeFilter(tty ? detachKeys : new Uint8Array(0));
  return await new Promise((resolve) => {
    const onData = (chunk: Uint8Array): void => {
      const { pass, detach } = tty ? filter.push(chunk) : { pass: chunk, detach: false };
      if (detach) return resolve("detached");
      input.pause();
      // A failed write means the process has closed its side; the output says how it ended.
      void stream
        .write(pass)
        .catch(() => undefined)
        .then(() => input.resume());
    };
    const onEnd = (): void => stream.endInput();
    input.on("data", onData);
    input.on("end", onEnd);
    undos.push(() => {
      input.off("data", onData);
      input.off("end", onEnd);
      input.pause();
    });
  });
}
