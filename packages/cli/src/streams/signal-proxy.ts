import type { CliContext } from "../context.ts";

/** What a person or a supervisor sends on purpose. SIGCHLD, SIGPIPE and SIGURG belong to this process. */
const forwarded: readonly NodeJS.Signals[] = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGCONT"];

/** Sends signals that this process gets on to the container, until the returned function is called. */
export function proxySignals(context: CliContext, containerId: string): () => void {
  const undos = forwarded.map((signal) =>
    context.onSignal(signal, () => {
      void forward(context, containerId, signal);
    }),
  );
  return () => {
    for (const undo of undos) undo();
  };
}

async function forward(context: CliContext, containerId: string, signal: string): Promise<void> {
  try {
    const engine = await context.engine();
    await engine.postAndForget(`/containers/${containerId}/kill`, { query: { signal } });
  } catch {
    // The container ended in this moment: its exit status is on the way, there is nobody left to signal.
  }
}
