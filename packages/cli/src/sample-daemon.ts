import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { TestContext } from "node:test";
import { runCli } from "./cli.ts";
import { EngineClient } from "./client/engine-client.ts";
import { parseHost } from "./client/host-address.ts";
import type { CliContext } from "./context.ts";
import { recordedOutputs } from "./output/recorded-outputs.ts";

export interface SampleRun {
  status: number;
  out: string;
  err: string;
}

/** For tests: the whole command line against a daemon that answers as the test says, with a folder that goes with the test. */
export class SampleDaemon {
  readonly folder: string;
  /** `METHOD /path`, in the order of their arrival, without the API's version. */
  readonly requests: string[] = [];
  readonly #client: EngineClient;
  #interrupt = (): void => undefined;

  private constructor(folder: string, client: EngineClient) {
    this.folder = folder;
    this.#client = client;
  }

  static async start(t: TestContext, answer: RequestListener): Promise<SampleDaemon> {
    const folder = mkdtempSync(join(tmpdir(), "pouch-cli-"));
    const socket = join(folder, "daemon.sock");
    const client = new EngineClient({ address: parseHost(`unix://${socket}`), pinnedVersion: "1.51" });
    const daemon = new SampleDaemon(folder, client);
    const server = createServer((request, response) => {
      daemon.requests.push(`${request.method} ${(request.url ?? "").replace("/v1.51", "")}`);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    t.after(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    });
    return daemon;
  }

  /** Ctrl-C for the command that runs. */
  interrupt(): void {
    this.#interrupt();
  }

  async run(
    argv: readonly string[],
    options: { env?: Record<string, string>; stdin?: string; isTerminal?: boolean } = {},
  ): Promise<SampleRun> {
    const { outputs, texts } = recordedOutputs();
    const context: CliContext = {
      ...outputs,
      env: options.env ?? {},
      configFolder: join(this.folder, "config"),
      debug: false,
      now: () => Date.now(),
      // Commands read from it, and ask whether it is a terminal: a stream of a text is none, unless the test says so.
      stdin: () =>
        Object.assign(Readable.from([options.stdin ?? ""]), {
          isTTY: options.isTerminal ?? false,
        }) as unknown as NodeJS.ReadStream,
      engine: async () => this.#client,
      onInterrupt: (stop) => {
        this.#interrupt = () => stop("SIGINT");
        return () => undefined;
      },
      onResize: () => () => undefined,
      onSignal: () => () => undefined,
      onExit: () => () => undefined,
    };
    return { status: await runCli(argv, { ...outputs, contextFor: () => context }), ...texts };
  }
}
