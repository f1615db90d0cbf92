import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { WantedStreams } from "../backend.ts";
import { StreamingServer, type StreamingOptions } from "../streaming-server.ts";
import { FakeBackend } from "./fake-backend.ts";

const allStreams: WantedStreams = { stdin: true, stdout: true, stderr: true, tty: false };

/** A streaming server over a fake backend, on a free port. */
export class TestStreaming {
  readonly backend = new FakeBackend();
  readonly server: StreamingServer;

  constructor(options: Partial<StreamingOptions>) {
    this.server = new StreamingServer({ backend: this.backend, ...options });
  }

  static async start(options: Partial<StreamingOptions> = {}): Promise<TestStreaming> {
    const made = new TestStreaming(options);
    await made.server.start();
    return made;
  }

  url(
    kind: "exec" | "attach" | "portforward",
    { ports = [80, 65535], ...wanted }: Partial<WantedStreams> & { ports?: number[] } = {},
  ) {
    const command = { containerId: "c1", ...allStreams, ...(wanted.tty ? { stderr: false } : {}), ...wanted };
    if (kind === "exec") return this.server.execUrl({ ...command, command: ["sh"] });
    return kind === "attach" ? this.server.attachUrl(command) : this.server.portForwardUrl({ podSandboxId: "p1", ports });
  }

  /** Waits until no session is served, and nothing runs for one. */
  async untilQuiet(): Promise<void> {
    for (let tries = 0; this.server.sessions > 0 || this.backend.running > 0; tries++) {
      assert.ok(tries < 500, `${this.server.sessions} sessions and ${this.backend.running} commands are left`);
      await sleep(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    assert.equal(this.backend.running, 0, "nothing may run on for a client that is gone");
  }
}
