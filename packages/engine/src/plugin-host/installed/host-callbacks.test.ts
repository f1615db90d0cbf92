import { createWireServer, originalPath, paramsHeader, proxyRequest, WireClient } from "@pouchcontainer/plugin-sdk/host";
import { conflict, notFound, notModified } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { HostCallbacks } from "./host-callbacks.ts";

function ask(socketPath: string, path: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode, text }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

test("what an original route refuses reaches the client through a plugin as the route says it", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "callbacks-"));
  const [host, near] = [join(directory, "host.sock"), join(directory, "near.sock")];
  const callbacks = new HostCallbacks();
  await callbacks.listen(host);
  const refusals = [notFound("No such image: none:latest"), conflict("in use"), notModified("it runs"), new Error("a defect")];
  callbacks.keepTable(
    "c1",
    refusals.map((error, index) => ({
      method: "GET",
      path: `/${index}`,
      handler: () => {
        throw error;
      },
    })),
    [],
  );
  // As a plugin's function passes the request on to the route it wraps.
  const plugin = createWireServer((incoming, response) =>
    proxyRequest({ socketPath: host, path: `${originalPath("c1", Number(incoming.url?.slice(1)))}/v1.43/x` }, incoming, response),
  ).listen(near);
  await once(plugin, "listening");
  t.after(async () => {
    plugin.closeAllConnections();
    plugin.close();
    await callbacks.close();
    rmSync(directory, { recursive: true });
  });
  const answers = await Promise.all(refusals.map((_, index) => ask(near, `/${index}`)));
  assert.deepEqual(answers, [
    { status: 404, text: '{"message":"No such image: none:latest"}\n' },
    { status: 409, text: '{"message":"in use"}\n' },
    { status: 304, text: "" },
    { status: 500, text: '{"message":"a defect"}\n' },
  ]);
});

test("a question of a plugin has bounds", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "callbacks-"));
  const host = join(directory, "host.sock");
  const callbacks = new HostCallbacks();
  await callbacks.listen(host);
  const client = new WireClient(host);
  t.after(async () => {
    client.close();
    await callbacks.close();
    rmSync(directory, { recursive: true });
  });
  for (const [process, message] of [
    [Array.from({ length: 20_001 }, () => 0), "the question has more than 20000 values"],
    [{ name: "x".repeat(1024 * 1024) }, /^the question is larger than 1048576 bytes$|^its process does not answer: /],
  ] as const) {
    await assert.rejects(client.call("/Supervisor.Start", { process }), { message });
  }
  await assert.rejects(client.call("/Supervisor.Start", { process: { name: "a", command: "true" } }), {
    message: "assistants are started from daemon.preStartHook on: the manifest has to list that point",
  });
});

test("a question that is none is answered with what it should be", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "callbacks-"));
  const host = join(directory, "host.sock");
  const callbacks = new HostCallbacks();
  callbacks.supervisor = { start: () => assert.fail("it was started") };
  callbacks.keepTable("c1", [{ method: "GET", path: "/x/{name}", handler: () => assert.fail("it was called") }], []);
  await callbacks.listen(host);
  const client = new WireClient(host);
  t.after(async () => {
    client.close();
    await callbacks.close();
    rmSync(directory, { recursive: true });
  });
  const start = (process: unknown): Promise<unknown> => client.call("/Supervisor.Start", { process });
  const refused = async (asking: Promise<unknown>, message: string): Promise<void> =>
    assert.rejects(asking, { kind: "invalidArgument", message });
  for (const path of ["/Supervisor.Start", "/Supervisor.Stop", "/Image.Unpack", "/Nowhere"])
    for (const question of [null, 1, "text", [], true])
      await refused(client.call(path, question), "the question must be a JSON object");
  for (const body of ["", "{", "nothing"])
    await refused(client.post({ path: "/Supervisor.Start", body: Buffer.from(body) }), "the question must be a JSON object");
  const named = { name: "a", command: "true" };
  await refused(start(1), "process must be object, got 1");
  await refused(start([]), "process must be object");
  await refused(start(null), "process must be object, got null");
  await refused(start({ name: "a" }), "process must have required properties command");
  await refused(start({ ...named, args: "x" }), 'process.args must be array, got "x"');
  await refused(start({ ...named, args: ["a\0b"] }), 'process.args[0] must match pattern "^[^\\u0000]*$", got "a\\u0000b"');
  await refused(start({ ...named, env: { A: 1 } }), "process.env.A must be string");
  await refused(
    start({ ...named, restart: { policy: "often" } }),
    'process.restart.policy must be equal to one of the allowed values (always, on-failure, never), got "often"',
  );
  for (const params of ["null", "1", "%7B", "%", "%7B%22name%22%3A1%7D"])
    await refused(
      client.post({ path: originalPath("c1", 0) + "/x/y", body: Buffer.alloc(0), headers: { [paramsHeader]: params } }),
      "the header pouch-params must be an object of strings, in percent-encoded JSON",
    );
});

test("a plugin holds so many connections of the daemon's and no more, and what it does not send is not waited for", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "callbacks-"));
  const socketPath = join(directory, "host.sock");
  const callbacks = new HostCallbacks({ connections: 4, maxBytes: 1024, withinMs: 100, atOnce: 1 });
  await callbacks.listen(socketPath);
  t.after(async () => {
    await callbacks.close();
    rmSync(directory, { recursive: true });
  });
  const closedOf = async (words: string): Promise<void> => {
    const connection = connect(socketPath);
    connection.on("error", () => undefined).resume();
    connection.write(words);
    await new Promise<void>((resolve) => void connection.once("close", () => resolve()));
  };
  const unfinished = "POST /Image.Unpack HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{";
  // One is read, the next waits for its turn, two never come to the end of their heads, and for the last there is no place.
  await Promise.all([unfinished, unfinished, "POST /Image", "POST /Image", unfinished].map(closedOf));
  const client = new WireClient(socketPath);
  t.after(() => client.close());
  await assert.rejects(client.call("/Image.Unpack", { call: "c1" }, AbortSignal.timeout(10_000)), /that call is over/);
  await assert.rejects(
    client.call("/Image.Unpack", { call: "x".repeat(2000) }, AbortSignal.timeout(10_000)),
    /larger than 1024 bytes/,
  );
});

test("what a plugin does not send of its questions is given up for all at once, and a question that only waits for its turn is not", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const directory = mkdtempSync(join(tmpdir(), "callbacks-"));
  const socketPath = join(directory, "host.sock");
  const callbacks = new HostCallbacks({ connections: 8, maxBytes: 1024, withinMs: 10_000, atOnce: 1 });
  await callbacks.listen(socketPath);
  t.after(async () => {
    await callbacks.close();
    rmSync(directory, { recursive: true });
  });
  /** Resolves when its head was taken. */
  const question = async (body: string, length: number): Promise<Socket> => {
    const connection = connect(socketPath);
    connection.on("error", () => undefined);
    const head = `POST /Image.Unpack HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
    connection.write(head + body);
    const [first] = (await once(connection, "data")) as [Buffer];
    assert.match(first.toString(), /^HTTP\/1.1 100 Continue/);
    return connection;
  };
  const unfinished: Socket[] = [];
  for (let count = 0; count < 3; count += 1) unfinished.push(await question("{", 1000));
  const closed = unfinished.map((connection) => once(connection.resume(), "close"));
  const whole = '{"call":"c1"}';
  const waiting = await question(whole, whole.length);
  const answered = once(waiting, "data", { signal: AbortSignal.timeout(10_000) });
  t.mock.timers.tick(10_000);
  assert.match(String(await answered), /that call is over/);
  await Promise.all(closed);
  waiting.destroy();
});
