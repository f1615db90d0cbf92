import { connectContainerd, startContainerd, type ContainerdClient } from "@pouchcontainer/containerd";
import { invalidArgument, isKind, messageChain, unavailable } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import { join } from "node:path";
import type { Configuration } from "../config/options.ts";
import type { Log } from "../log/log.ts";

export interface Containerd {
  client: ContainerdClient;
  /** Where it keeps folders for each container of ours that runs; none where it is not ours alone. */
  bundles: readonly string[];
  /** The listener runs each time containerd answers again after it was gone. */
  onRestarted(listener: () => void): void;
  /** Ends the connection, and containerd itself where it is ours. */
  close(): Promise<void>;
}

/** The containerd of this daemon: a running one where the configuration names it, else one of its own. */
export async function openContainerd(options: ContainerdOptions): Promise<Containerd> {
  const containerd = await open(options);
  try {
    await checkSnapshotter(containerd.client, options);
    return containerd;
  } catch (error) {
    await containerd.close();
    throw error;
  }
}

interface ContainerdOptions {
  configuration: Configuration;
  log: Log;
  environment: NodeJS.ProcessEnv;
  /** Where this home's containerd was before: one that was left running there has its files open. */
  formerExecRoot: string | undefined;
  /** Ends the wait for it, and a containerd of this daemon that was started. */
  calledOff: AbortSignal;
}

/** containerd says "not loaded" of one it does not know, whatever is asked of it. */
async function checkSnapshotter(
  client: ContainerdClient,
  { configuration: { snapshotter }, calledOff: signal }: ContainerdOptions,
): Promise<void> {
  try {
    await client.snapshots(snapshotter).stat("nothing-has-this-name", { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!isKind(error, "invalidArgument")) return;
    throw invalidArgument(`--snapshotter: this containerd has no snapshotter ${snapshotter} that it could load`, {
      cause: error,
    });
  }
}

async function open(options: ContainerdOptions): Promise<Containerd> {
  const { configuration, log, environment, formerExecRoot, calledOff } = options;
  const namespace = configuration["default-namespace"];
  if (configuration.containerd !== undefined)
    return await connectTo(configuration.containerd.replace(/^unix:\/\//, ""), namespace, calledOff);

  const root = join(configuration["home-dir"], "containerd");
  const state = join(configuration["exec-root-dir"], "containerd");
  const supervised = await startContainerd({
    binary: configuration["containerd-path"],
    root,
    state,
    address: join(configuration["exec-root-dir"], "containerd.sock"),
    logFile: join(configuration["home-dir"], "containerd.log"),
    logger: log,
    env: environment,
    calledOff,
    ...(formerExecRoot !== undefined && { formerState: join(formerExecRoot, "containerd") }),
  });
  const client = connectContainerd({ address: supervised.address, namespace });
  return {
    client,
    bundles: [state, root].map((place) => join(place, "io.containerd.runtime.v2.task", namespace)),
    onRestarted: (listener) => {
      supervised.onRestarted(listener);
    },
    close: async () => {
      await client.close();
      await supervised.stop();
    },
  };
}

async function connectTo(address: string, namespace: string, signal: AbortSignal): Promise<Containerd> {
  const client = connectContainerd({ address, namespace });
  try {
    await client.version({ timeoutMs: 10_000, signal });
  } catch (error) {
    await client.close();
    throw unavailable(`no containerd answers at ${address}: ${messageChain(error)}; start it, or leave --containerd out`, {
      cause: error,
    });
  }
  const listeners: (() => void)[] = [];
  const closing = new AbortController();
  inBackground("watching containerd", () =>
    watchConnection(client, closing.signal, () => listeners.forEach((listener) => listener())),
  );
  return {
    client,
    bundles: [],
    onRestarted: (listener) => {
      listeners.push(listener);
    },
    close: async () => {
      closing.abort();
      await client.close();
    },
  };
}

/** A containerd that is not ours is watched through its event stream: the stream's end is the sign. */
async function watchConnection(client: ContainerdClient, signal: AbortSignal, restarted: () => void): Promise<void> {
  while (!signal.aborted) {
    try {
      // Nothing comes by this topic but the end.
      await client.events(['topic=="/pouch/never"'], { signal })[Symbol.asyncIterator]().next();
    } catch {
      if (signal.aborted) return;
    }
    try {
      await client.whenReconnected({ signal });
    } catch {
      return;
    }
    restarted();
  }
}
