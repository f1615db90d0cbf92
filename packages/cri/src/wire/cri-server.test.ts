import assert from "node:assert/strict";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { failedPrecondition, GrpcCode, notFound } from "@pouchcontainer/errors";
import { ImageService, RuntimeService } from "../gen/runtime_v1_pb.ts";
import { serveCri } from "../testing/serve-cri.ts";
import { apiVersions, serviceOf } from "./services.ts";

/** One call with a head, and a body, of our own making; resolves to gRPC's status, or HTTP's. */
async function callOn(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body: Buffer | null = Buffer.alloc(5),
): Promise<string> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/runtime.v1alpha2.RuntimeService/Version",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  let status = "";
  stream.on("response", (head) => (status = String(head["grpc-status"] ?? head[":status"])));
  stream.on("trailers", (trailers) => (status = String(trailers["grpc-status"])));
  stream.resume();
  if (body) stream.end(body);
  await once(stream, "close");
  return status;
}

/** The same on a connection of its own. */
async function rawCall(socketPath: string, headers: Record<string, string>, body?: Buffer | null): Promise<string> {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(socketPath) });
  try {
    return await callOn(session, headers, body);
  } finally {
    session.destroy();
  }
}

test("every RPC is there under both names, and one without a handler says so", async () => {
  await using cri = await serveCri({});
  for (const version of apiVersions) {
    for (const service of [RuntimeService, ImageService]) {
      const { typeName, methods } = serviceOf(service, version);
      assert.equal(typeName, `runtime.${version}.${service.name}`);
      assert.equal(methods.length, service.methods.length);
      for (const { name } of methods)
        assert.equal(await rawCall(cri.socketPath, { ":path": `/${typeName}/${name}` }), "12", `${typeName}/${name}`);
    }
  }
  assert.equal(await rawCall(cri.socketPath, { ":path": "/runtime.v1.RuntimeService/Nonsense" }), "12");
});

test("both names reach one handler, which is told by which it was called", async () => {
  await using cri = await serveCri({
    runtime: { version: async (_request, { apiVersion }) => ({ runtimeApiVersion: apiVersion }) },
  });
  for (const version of apiVersions) assert.equal((await cri.runtime(version).version({})).runtimeApiVersion, version);
});

test("the path of the socket as :authority, as old kubelets send it, is no reason to refuse a call", async () => {
  await using cri = await serveCri({ runtime: { version: async () => ({}) } });
  for (const authority of ["localhost", "/var/run/pouchcri.sock", "%2Fvar%2Frun%2Fpouchcri.sock"])
    assert.equal(await rawCall(cri.socketPath, { ":authority": authority }), "0", authority);
});

test("the path of the socket as :authority is none either when HPACK's table has lost it", async () => {
  await using cri = await serveCri({ runtime: { version: async () => ({}) } });
  const session = connectHttp2("http://localhost", { createConnection: () => connect(cri.socketPath) });
  try {
    for (let call = 0; call < 200; call++)
      assert.equal(await callOn(session, { ":authority": "/run/x.sock", "grpc-timeout": `${100_000 + call}m` }), "0", `${call}`);
  } finally {
    session.destroy();
  }
});

test("the socket is root's alone, and gone when the server is closed", async () => {
  await using cri = await serveCri({});
  assert.equal((await stat(cri.socketPath)).mode & 0o777, 0o600);
  await cri.server.close();
  await assert.rejects(stat(cri.socketPath), { code: "ENOENT" });
});

test("a kind becomes its code, with the messages of its causes; a defect is told as one", async () => {
  await using cri = await serveCri({
    runtime: {
      startContainer: async () => {
        throw failedPrecondition("cannot start web", { cause: new Error("exec: no such file") });
      },
      stopContainer: async () => {
        throw notFound("no container x");
      },
      removeContainer: async () => {
        throw new TypeError("x is undefined");
      },
    },
  });
  const client = cri.runtime();
  await assert.rejects(client.startContainer({}), {
    code: Code.FailedPrecondition,
    rawMessage: "cannot start web: exec: no such file",
  });
  await assert.rejects(client.stopContainer({}), { code: Code.NotFound, rawMessage: "no container x" });
  await assert.rejects(client.removeContainer({}), { code: GrpcCode.internal });
  assert.deepEqual(
    cri.failures.map(({ rpc, foreseen }) => [rpc.split("/")[1], foreseen]),
    [
      ["StartContainer", true],
      ["StopContainer", true],
      ["RemoveContainer", false],
    ],
  );
});

test("a message of 20 MB is refused, one of 15 MB is taken", async () => {
  await using cri = await serveCri({ runtime: { version: async ({ version }) => ({ version: String(version.length) }) } });
  const client = cri.runtime();
  await assert.rejects(client.version({ version: "x".repeat(20_000_000) }), { code: Code.ResourceExhausted });
  assert.equal((await client.version({ version: "x".repeat(15_000_000) })).version, "15000000");
});

/** A handler that waits until its signal is aborted, and what the reason was. */
function waiting() {
  const reasons: unknown[] = [];
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const wait = async (_request: unknown, { signal }: { signal: AbortSignal }): Promise<never> => {
    begun.resolve();
    if (!signal.aborted) await once(signal, "abort");
    reasons.push(signal.reason);
    ended.resolve();
    throw signal.reason;
  };
  return { wait, reasons, begun: begun.promise, ended: ended.promise };
}

test("a cancelled call, a deadline and a broken connection abort the handler's signal", async () => {
  for (const how of ["cancel", "deadline", "hangup"]) {
    const { wait, ended, begun } = waiting();
    await using cri = await serveCri({ runtime: { execSync: wait } });
    const stop = new AbortController();
    const call = cri.runtime().execSync({}, { signal: stop.signal, ...(how === "deadline" && { timeoutMs: 200 }) });
    const failed = assert.rejects(call, how);
    await begun;
    if (how === "cancel") stop.abort();
    if (how === "hangup") cri[Symbol.dispose]();
    await Promise.all([failed, ended]);
    assert.deepEqual(
      cri.failures.filter(({ foreseen }) => !foreseen),
      [],
    );
  }
});

test("a stream whose deadline passes ends with that, not as if it were whole", async () => {
  await using cri = await serveCri({
    runtime: {
      async *getContainerEvents(_request, { signal }) {
        yield { containerId: "a" };
        await once(signal, "abort");
      },
    },
  });
  assert.equal(
    await rawCall(cri.socketPath, { ":path": "/runtime.v1.RuntimeService/GetContainerEvents", "grpc-timeout": "50m" }),
    "4",
  );
});

test("a stop ends streams at once, lets a call in flight end, and breaks off what takes too long", async () => {
  const { wait, begun } = waiting();
  const go = Promise.withResolvers<void>();
  await using cri = await serveCri({
    runtime: {
      execSync: wait,
      version: async () => {
        await go.promise;
        return { version: "done" };
      },
      async *getContainerEvents(_request, { signal }) {
        yield { containerId: "a" };
        await once(signal, "abort");
      },
    },
  });
  const client = cri.runtime();
  const events = client.getContainerEvents({})[Symbol.asyncIterator]();
  assert.equal((await events.next()).value?.containerId, "a");
  const inFlight = client.version({});
  const endless = assert.rejects(client.execSync({}), "a call that never ends");
  await begun;
  const closed = cri.server.close({ graceMilliseconds: 1000 });
  assert.equal((await events.next()).done, true);
  go.resolve();
  assert.equal((await inFlight).version, "done");
  await Promise.all([closed, endless]);
});

test("what is no gRPC, or no request of one plain message, is refused, and one that never ends is late", async () => {
  await using cri = await serveCri({ runtime: { version: async () => ({}) } });
  const call = (headers: Record<string, string>, body?: Buffer | null) => rawCall(cri.socketPath, headers, body);
  assert.equal(await call({ ":method": "GET" }, null), "405");
  assert.equal(await call({ "content-type": "application/json" }), "415");
  assert.equal(await call({ "content-type": "application/grpc+proto" }), "0");
  assert.equal(await call({}, Buffer.from([1, 0, 0, 0, 0])), "12", "compressed");
  assert.equal(await call({}, Buffer.alloc(10)), "3", "two messages");
  assert.equal(await call({}, Buffer.from([0, 0, 0, 0, 1, 0xff])), "3", "no message of protobuf");
  assert.equal(await call({}, Buffer.alloc(3)), "13", "half a message");
  assert.equal(await call({ "grpc-timeout": "soon" }), "3");
  assert.equal(await call({ "grpc-timeout": "50m" }, null), "4", "a request without an end");
  assert.ok(cri.failures.every(({ foreseen }) => foreseen));
});

test("a message of an error reaches the client whatever is in it", async () => {
  const message = "cannot start \u201cweb\u201d: 100 %\n\ud800";
  await using cri = await serveCri({
    runtime: {
      startContainer: async () => {
        throw failedPrecondition(message);
      },
    },
  });
  await assert.rejects(cri.runtime().startContainer({}), { code: Code.FailedPrecondition, rawMessage: message.toWellFormed() });
});

test("an error with a message longer than a head may be reaches the client as that error", async () => {
  await using cri = await serveCri({
    runtime: {
      containerStatus: async ({ containerId }) => {
        throw notFound(`no such container: ${containerId}`);
      },
    },
  });
  const containerId = "\u00fc".repeat(200_000);
  await assert.rejects(cri.runtime().containerStatus({ containerId }), {
    code: Code.NotFound,
    rawMessage: /^no such container: \u00fc/,
  });
});

test("a stream waits for a client that does not read, and ends with it", async () => {
  let sent = 0;
  const over = Promise.withResolvers<void>();
  await using cri = await serveCri({
    runtime: {
      async *streamContainers() {
        try {
          for (;;) {
            sent++;
            yield { containers: [{ id: "x".repeat(1 << 20) }] };
          }
        } finally {
          over.resolve();
        }
      },
    },
  });
  const session = connectHttp2("http://localhost", { createConnection: () => connect(cri.socketPath) });
  const stream = session.request({
    ":method": "POST",
    ":path": "/runtime.v1.RuntimeService/StreamContainers",
    "content-type": "application/grpc",
  });
  stream.end(Buffer.alloc(5));
  await once(stream, "response");
  for (let before = -1; before !== sent; await sleep(50)) before = sent;
  assert.ok(sent < 10, `${sent} messages of a MiB were made for nobody`);
  session.destroy();
  await over.promise;
});
