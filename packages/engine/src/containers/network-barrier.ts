import { makeFolders } from "@pouchcontainer/owners";
import { rm } from "node:fs/promises";
import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { PreStartHook } from "../plugin-host/chains.ts";
import type { RuntimeHook } from "./bounded-hook.ts";

/**
 * When a plugin's hook has to run before the network is there, the network is connected from within runc's list of hooks: at
 * priority 0 a shell asks the daemon over one FIFO and waits for the answer on another. The runtime's own deadline for the
 * hook covers a daemon that died.
 */
export interface NetworkBarrier {
  hook: PreStartHook;
  /** What connecting failed with: a better error than the runtime's report of a failed hook. */
  failure: unknown;
  close(): Promise<void>;
}

const script = `echo go >"$1" && read -r answer <"$2" && [ "$answer" = ok ] || { echo "the network could not be connected" >&2; exit 1; }`;

export async function openNetworkBarrier(options: {
  makeFifo(path: string): Promise<void>;
  directory: string;
  shell: string;
  timeoutSeconds: number;
  connect(): Promise<void>;
}): Promise<NetworkBarrier> {
  const { directory, shell, timeoutSeconds } = options;
  const ask = join(directory, "network-ask");
  const answer = join(directory, "network-answer");
  await makeFolders(directory, 0o710);
  await Promise.all([rm(ask, { force: true }), rm(answer, { force: true })]);
  await Promise.all([options.makeFifo(ask), options.makeFifo(answer)]);
  // Both ends are held, so that opening blocks neither side and nothing looks ended.
  const askFd = openSync(ask, constants.O_RDWR | constants.O_NONBLOCK);
  const answerFd = openSync(answer, constants.O_RDWR | constants.O_NONBLOCK);
  const asking = new Socket({ fd: askFd, readable: true, writable: false });
  const answering = new Socket({ fd: answerFd, readable: false, writable: true });
  const barrier: NetworkBarrier = {
    hook: {
      priority: 0,
      args: [shell, "-c", script, "pouch-network", ask, answer],
      timeoutSeconds,
      plugin: "network",
    },
    failure: undefined,
    async close() {
      asking.destroy();
      answering.destroy();
      await Promise.all([rm(ask, { force: true }), rm(answer, { force: true })]);
    },
  };
  for (const socket of [asking, answering]) socket.on("error", () => undefined);
  asking.once("data", () => {
    options.connect().then(
      () => answering.write("ok\n"),
      (error: unknown) => {
        barrier.failure = error;
        answering.write("failed\n");
      },
    );
  });
  return barrier;
}

/** The hooks with the network's among them: after those with a priority above 0, before all others. */
export function withBarrier(hooks: readonly RuntimeHook[], barrier: PreStartHook): RuntimeHook[] {
  return [...hooks.filter(({ priority }) => priority > 0), barrier, ...hooks.filter(({ priority }) => priority <= 0)];
}
