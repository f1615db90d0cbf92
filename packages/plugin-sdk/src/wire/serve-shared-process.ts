import { messageChain, notFound } from "@pouchcontainer/errors";
import { asGuest, guestNow, type Guest } from "@pouchcontainer/owners";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { authorsStack } from "./authors-stack.ts";
import { divertOutput, MarkedOutput } from "./marked-output.ts";
import { servePlugin } from "./serve-plugin.ts";
import { endedBy, sharedProcessPaths, type LetGoRequest, type TakeRequest } from "./shared-process.ts";
import { createWireServer, listen, readRequest, sendJson } from "./wire-server.ts";

/** Serves plugins that share this process, as the daemon brings and takes them on the socket. Resolves when it listens. */
export async function serveSharedProcess(socketPath: string): Promise<void> {
  const plugins = new SharingPlugins();
  await listen(
    createWireServer((request, response) => plugins.handle(request, response)),
    socketPath,
  );
}

/** What is sent out in a plugin's name. */
interface Outputs {
  stdout: (text: string) => void;
  stderr: (text: string) => void;
}

/** One plugin of those in this process: what its code writes and lets go of is told as its own. */
class SharingPlugin implements Guest {
  readonly key: string;
  readonly name: string;
  readonly stdout: MarkedOutput;
  readonly stderr: MarkedOutput;
  readonly lost: (error: unknown) => void;
  #server: Server | undefined;

  constructor({ key, name }: TakeRequest, outputs: Outputs, lost: (plugin: SharingPlugin, error: unknown) => void) {
    this.key = key;
    this.name = name;
    this.stdout = new MarkedOutput(key, outputs.stdout);
    this.stderr = new MarkedOutput(key, outputs.stderr);
    this.lost = (error) => lost(this, error);
  }

  async serve({ directory, socketPath, hostSocket, environment }: TakeRequest): Promise<void> {
    const write = (line: string): void => this.stdout.write(line);
    const enter = <T>(code: () => T): T => asGuest(this, code);
    this.#server = await servePlugin({ directory, socketPath, hostSocket, environment, write, enter });
  }

  complain(words: string): void {
    this.stderr.write(`${words}\n`.replaceAll(/^(?=.)/gm, "<3>"));
  }

  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.stdout.end();
    this.stderr.end();
  }
}

class SharingPlugins {
  readonly #plugins = new Map<string, SharingPlugin>();
  readonly #outputs: Outputs;

  constructor() {
    this.#outputs = {
      stdout: divertOutput(process.stdout, () => pluginNow()?.stdout),
      stderr: divertOutput(process.stderr, () => pluginNow()?.stderr),
    };
    process.on("exit", () => this.#tellEnd(pluginNow()));
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The daemon's own JSON, as the path has it.
    const body = JSON.parse((await readRequest(request)).toString("utf8")) as unknown;
    switch (request.url) {
      case sharedProcessPaths.hello:
        break;
      case sharedProcessPaths.take:
        await this.#take(body as TakeRequest);
        break;
      case sharedProcessPaths.letGo:
        this.#letGo(body as LetGoRequest);
        break;
      default:
        throw notFound(`this process does not answer ${request.url}`);
    }
    sendJson(response, {});
  }

  async #take(request: TakeRequest): Promise<void> {
    const plugin = new SharingPlugin(request, this.#outputs, (failed, error) => this.#end(failed, error));
    this.#plugins.set(request.key, plugin);
    await plugin.serve(request);
  }

  #letGo({ key }: LetGoRequest): void {
    this.#plugins.get(key)?.close();
    this.#plugins.delete(key);
  }

  /** Errors that nobody caught end the process, as where a plugin has it to itself: its state is unknown, and the daemon starts a new one. */
  #end(failed: SharingPlugin, error: unknown): void {
    const stack = authorsStack(error);
    const where = stack === undefined ? "" : `\n${stack}`;
    failed.complain(`an error of its code was caught by nobody: ${messageChain(error)}${where}`);
    process.exit(1);
  }

  /** The others are told whose fault it is, and so is the daemon: to start again is not for who ends the process in its own start. */
  #tellEnd(culprit: SharingPlugin | undefined): void {
    for (const plugin of this.#plugins.values()) {
      if (culprit !== undefined && plugin !== culprit)
        plugin.complain(`plugin "${culprit.name}", with which it shares its process, ended it`);
      for (const output of [plugin.stdout, plugin.stderr]) output.flush();
    }
    if (culprit !== undefined) this.#outputs.stderr(endedBy(culprit.key));
  }
}

/** Whose code runs. */
function pluginNow(): SharingPlugin | undefined {
  const guest = guestNow();
  return guest instanceof SharingPlugin ? guest : undefined;
}
