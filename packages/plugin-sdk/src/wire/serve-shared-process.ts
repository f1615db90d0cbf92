import { messageChain, notFound } from "@pouchcontainer/errors";
import { asGuest, guestNow, type Guest } from "@pouchcontainer/owners";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { divertOutput, MarkedOutput } from "./marked-output.ts";
import { servePlugin } from "./serve-plugin.ts";
import { sharedProcessPaths, type LetGoRequest, type TakeRequest } from "./shared-process.ts";
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
  readonly name: string;
  readonly stdout: MarkedOutput;
  readonly stderr: MarkedOutput;
  readonly lost: (error: unknown) => void;
  #server: Server | undefined;

  constructor({ key, name }: TakeRequest, outputs: Outputs, lost: (plugin: SharingPlugin, error: unknown) => void) {
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
    const pluginNow = (): SharingPlugin | undefined => {
      const guest = guestNow();
      return guest instanceof SharingPlugin ? guest : undefined;
    };
    this.#outputs = {
      stdout: divertOutput(process.stdout, () => pluginNow()?.stdout),
      stderr: divertOutput(process.stderr, () => pluginNow()?.stderr),
    };
    process.on("exit", () => {
      for (const { stdout, stderr } of this.#plugins.values()) for (const output of [stdout, stderr]) output.flush();
    });
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

  /** As where a plugin has a process to itself: its state is unknown, and the daemon starts a new one. The others are told whose fault it is. */
  #end(failed: SharingPlugin, error: unknown): void {
    const where = error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : "";
    failed.complain(`an error of its code was caught by nobody: ${messageChain(error)}${where}`);
    for (const plugin of this.#plugins.values())
      if (plugin !== failed)
        plugin.complain(
          `an error of plugin "${failed.name}", with which it shares its process, was caught by nobody: all of it ends`,
        );
    process.exit(1);
  }
}
