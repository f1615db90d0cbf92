import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { FakeGrpcServer, reply } from "../grpc/fake-grpc-server.ts";
import { frame } from "../grpc/frames.ts";
import { launchContainerd } from "./launch-containerd.ts";
import { LogFile } from "./log-file.ts";
import { PidFile } from "./pid-file.ts";
import { terminate } from "./watched-process.ts";

/** A containerd that does what `script` says, and one that answers in its place once it listens. */
function starting(t: TestContext, script: string) {
  const folder = mkdtempSync(join(tmpdir(), "launch-"));
  const server = new FakeGrpcServer((stream) => reply(stream, [frame(new Uint8Array())]));
  const binary = join(folder, "containerd");
  writeFileSync(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  t.after(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
  const launched = launchContainerd({
    binary,
    configPath: join(folder, "config"),
    address: server.address,
    env: {},
    logFile: new LogFile(join(folder, "log"), 1 << 20),
    pidFile: new PidFile(join(folder, "pid")),
    startTimeoutMs: 1000,
    signal: t.signal,
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  return { server, launched };
}

test("a start that takes longer than its time is waited for as long as it logs what it does", async (t) => {
  const { server, launched } = starting(t, "while :; do echo cleaning up after a shim; sleep 0.1; done");
  await new Promise((resolve) => void setTimeout(resolve, 2000));
  await server.listen();
  const { identity } = await launched;
  await terminate(identity, 100);
});

test("one that is silent is ended, and the error has its last words", async (t) => {
  const { launched } = starting(t, "echo loading; exec sleep 60");
  await assert.rejects(launched, /containerd does not answer on .* after \d+ ms; its last words in .*:\nloading$/);
});
