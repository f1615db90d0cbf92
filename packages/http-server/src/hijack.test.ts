import { conflict, internal } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { text } from "node:stream/consumers";
import type { AttachOptions } from "./backend.ts";
import { frame } from "./stdcopy.ts";
import { FakeSession } from "./testing/fake-session.ts";
import { TestServer } from "./testing/test-server.ts";

const upgrade = ["Connection: Upgrade", "Upgrade: tcp"];

const attachTo = (session: FakeSession, version = "") => {
  const asked: AttachOptions[] = [];
  const methods = {
    containers: {
      attach: async (_ref: string, options: AttachOptions) => {
        asked.push(options);
        return session;
      },
    },
  };
  const head = (query: string, ...headers: string[]) => [`POST ${version}/containers/c/attach?${query} HTTP/1.1`, ...headers];
  return { asked, methods, head };
};

test("attach with Upgrade is a 101 and frames both streams", async () => {
  const session = new FakeSession();
  const { asked, methods, head } = attachTo(session);
  await using server = await TestServer.start(methods);
  const client = server.raw(head("stream=1&stdout=1&stderr=1", ...upgrade));
  session.write("out");
  session.write("err", "stderr");
  session.end();
  await client.end();
  assert.match(client.text, /^HTTP\/1\.1 101 UPGRADED\r\n/);
  assert.match(
    client.text,
    /\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n/,
  );
  assert.deepEqual(client.body, Buffer.concat([frame("stdout", Buffer.from("out")), frame("stderr", Buffer.from("err"))]));
  assert.deepEqual(asked, [{ stdin: false, stdout: true, stderr: true, logs: false, stream: true }]);
});

test("attach without Upgrade is the older 200 on a bare connection", async () => {
  const session = new FakeSession();
  const { methods, head } = attachTo(session, "/v1.41");
  await using server = await TestServer.start(methods);
  const client = server.raw(head("stream=1&stdin=1&stdout=1"));
  await client.until("\r\n\r\n");
  assert.match(client.text, /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n\r\n$/);
  client.socket.write("GET / HTTP/1.1\r\n\r\n");
  client.socket.end();
  assert.equal(await text(session.input), "GET / HTTP/1.1\r\n\r\n");
  session.end();
  await client.end();
});

test("the process learns whether its client has read what it said", async () => {
  const session = new FakeSession();
  const { methods, head } = attachTo(session);
  const asked: number[] = [];
  let read = false;
  const allRead = (fd: number): boolean => {
    asked.push(fd);
    return read;
  };
  await using server = await TestServer.start(methods, { allRead });
  const client = server.raw(head("stream=1&stdout=1", ...upgrade));
  await client.until("\r\n\r\n");
  assert.equal(session.hasRead(), false);
  read = true;
  assert.equal(session.hasRead(), true);
  assert.match(readlinkSync(`/proc/self/fd/${asked[0]}`), /^socket:/);
  read = false;
  client.socket.destroy();
  await session.untilClosed();
  assert.equal(session.hasRead(), true, "nobody is there to read");
  session.end();
});

test("a TTY is not framed and its type is raw in every version", async () => {
  const session = new FakeSession({ tty: true });
  const { methods, head } = attachTo(session, "/v1.51");
  await using server = await TestServer.start(methods);
  const client = server.raw(head("stream=1&stdout=1", ...upgrade));
  session.write("prompt# ");
  session.end();
  await client.end();
  assert.match(client.text, /Content-Type: application\/vnd\.docker\.raw-stream\r\n/);
  assert.equal(client.body.toString(), "prompt# ");
});

test("a client that ends its side ends stdin and still gets the output", async () => {
  const session = new FakeSession({ tty: true });
  const { methods, head } = attachTo(session);
  await using server = await TestServer.start(methods);
  const client = server.raw(head("stream=1&stdin=1&stdout=1", ...upgrade));
  await client.until("\r\n\r\n");
  client.socket.end("last words");
  assert.equal(await text(session.input), "last words");
  assert.equal(session.closed, false);
  session.write("counted 10");
  session.end();
  await client.end();
  assert.equal(client.body.toString(), "counted 10");
});

test("a client that goes away lets go of the process, though that says nothing", async () => {
  const session = new FakeSession();
  const { methods, head } = attachTo(session);
  await using server = await TestServer.start(methods);
  const client = server.raw(head("stream=1&stdin=1&stdout=1", ...upgrade));
  await client.until("\r\n\r\n");
  client.socket.destroy();
  await session.untilClosed();
});

test("a client that only listens is kept while the process says nothing", async () => {
  const session = new FakeSession();
  const { methods, head } = attachTo(session);
  await using server = await TestServer.start(methods);
  const client = server.raw(head("stream=1&stdout=1", ...upgrade));
  await client.until("\r\n\r\n");
  client.socket.end();
  await sleep(700);
  assert.equal(session.closed, false);
  session.write("at last");
  session.end();
  await client.end();
  assert.deepEqual(client.body, frame("stdout", Buffer.from("at last")));
});

const refusesAttach = {
  containers: {
    attach: async () => {
      throw conflict("You cannot attach to a paused container, unpause it first");
    },
  },
};

test("a refused attach is told as text on a connection that ends, with and without Upgrade, as by dockerd", async () => {
  await using server = await TestServer.start(refusesAttach);
  for (const headers of [upgrade, []]) {
    const client = server.raw(["POST /containers/c/attach?stream=1 HTTP/1.1", ...headers]);
    await client.end();
    assert.equal(
      client.text,
      "HTTP/1.1 409 Conflict\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n" +
        "You cannot attach to a paused container, unpause it first\r\n",
    );
  }
});

test("a refused attach lets go of its connection, however much was typed", async () => {
  await using server = await TestServer.start(refusesAttach);
  const body = Buffer.alloc(500_000, "typed\n").toString();
  const client = server.raw(["POST /containers/c/attach?stream=1&stdin=1 HTTP/1.1", ...upgrade], body);
  await client.end();
  client.socket.destroy();
  for (let tries = 0; server.openConnections() > 0 && tries < 200; tries++) await sleep(20);
  assert.equal(server.openConnections(), 0);
});

test("output that fails on the way ends with a frame that says why", async () => {
  const session = new FakeSession();
  const { methods, head } = attachTo(session);
  await using server = await TestServer.start(methods);
  const client = server.raw(head("stream=1&stdout=1", ...upgrade));
  session.write("a");
  session.end(internal("the log is gone"));
  await client.end();
  assert.deepEqual(
    client.body,
    Buffer.concat([frame("stdout", Buffer.from("a")), frame("systemError", Buffer.from("the log is gone"))]),
  );
});

test("a slow client holds the process's output back", async () => {
  const session = new FakeSession();
  const { methods, head } = attachTo(session);
  await using server = await TestServer.start(methods);
  const client = server.raw(head("stream=1&stdout=1", ...upgrade));
  await client.until("\r\n\r\n");
  client.socket.pause();
  for (let i = 0; i < 200; i++) session.write(Buffer.alloc(65536, i));
  session.end();
  await sleep(100);
  assert.ok(session.taken < 50, `took ${session.taken} chunks`);
  client.socket.resume();
  await client.end();
  assert.equal(client.body.length, 200 * (65536 + 8));
});

test("a process that does not read holds the client's input back", async () => {
  const session = new FakeSession({ inputBytes: 1024 });
  const { methods, head } = attachTo(session);
  await using server = await TestServer.start(methods);
  const client = server.raw(head("stream=1&stdin=1", ...upgrade));
  await client.until("\r\n\r\n");
  const sent = 8 * 1024 * 1024;
  client.socket.end(Buffer.alloc(sent, 1));
  await sleep(100);
  assert.ok(session.input.readableLength + session.input.writableLength < 1024 * 1024);
  let read = 0;
  for await (const chunk of session.input as AsyncIterable<Buffer>) read += chunk.length;
  assert.equal(read, sent);
  session.end();
  await client.end();
});

const execMethods = (session: FakeSession, started: unknown[] = []) => ({
  exec: {
    admit: async () => undefined,
    start: async (id: string, options: object) => {
      started.push({ id, ...options });
      return session;
    },
    startDetached: async (id: string) => void started.push({ id, detached: true }),
  },
});

const execHead = (version: string, body: string, ...headers: string[]) => [
  `POST ${version}/exec/e/start HTTP/1.1`,
  `Content-Length: ${body.length}`,
  "Content-Type: application/json",
  ...headers,
];

test("exec start reads its body and then takes the connection over", async () => {
  const session = new FakeSession({ tty: true });
  const started: unknown[] = [];
  await using server = await TestServer.start(execMethods(session, started));
  const body = JSON.stringify({ Detach: false, Tty: true, ConsoleSize: [24, 80] });
  const client = server.raw(execHead("/v1.42", body, ...upgrade), body);
  await client.until("UPGRADED");
  client.socket.write("echo hi\n");
  session.write("hi\r\n");
  session.end();
  await client.end();
  assert.equal(client.body.toString(), "hi\r\n");
  assert.equal(session.input.read()?.toString(), "echo hi\n");
  assert.deepEqual(started, [{ id: "e", consoleSize: { width: 80, height: 24 } }]);
});

/** An exec whose start waits until the test lets it go on. */
function slowExec(session: FakeSession) {
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const methods = {
    exec: {
      admit: async () => undefined,
      start: async () => {
        asked.resolve();
        await goOn.promise;
        return session;
      },
    },
  };
  return { methods, asked: asked.promise, goOn: () => goOn.resolve() };
}

const forms = [
  { form: "101", headers: upgrade, line: "HTTP/1.1 101 UPGRADED" },
  { form: "200", headers: [], line: "HTTP/1.1 200 OK" },
];

for (const { form, headers, line } of forms) {
  test(`the ${form} head is out before the process is started, and what is typed meanwhile waits for it`, async () => {
    const session = new FakeSession();
    const { methods, asked, goOn } = slowExec(session);
    await using server = await TestServer.start(methods);
    const body = JSON.stringify({ Detach: false });
    const client = server.raw(execHead("", body, ...headers), body);
    await client.until("\r\n\r\n");
    assert.equal(client.text.split("\r\n")[0], line);
    await asked;
    client.socket.end("GET / HTTP/1.1\r\n\r\ntyped early\n");
    await sleep(50);
    goOn();
    assert.equal(await text(session.input), "GET / HTTP/1.1\r\n\r\ntyped early\n");
    session.end();
    await client.end();
    assert.deepEqual(client.body.length, 0);
  });

  test(`an end of input before the process is there is its end (${form})`, async () => {
    const session = new FakeSession();
    const { methods, asked, goOn } = slowExec(session);
    await using server = await TestServer.start(methods);
    const client = server.raw(execHead("", "{}", ...headers), "{}");
    client.socket.end();
    await asked;
    await sleep(50);
    goOn();
    assert.equal(await text(session.input), "");
    session.end();
    await client.end();
  });
}

test("what comes in one packet with the request is input already", async () => {
  const session = new FakeSession();
  await using server = await TestServer.start(execMethods(session));
  const client = server.raw(execHead("", "{}", ...upgrade), "{}typed at once\n");
  client.socket.end();
  assert.equal(await text(session.input), "typed at once\n");
  session.end();
  await client.end();
});

test("a request in pieces may ask for its connection too", async () => {
  const session = new FakeSession();
  await using server = await TestServer.start(execMethods(session));
  const client = server.raw(execHead("", "{}", ...upgrade), "{");
  await sleep(50);
  client.socket.end("}typed");
  assert.equal(await text(session.input), "typed");
  session.write("out");
  session.end();
  await client.end();
  assert.deepEqual(client.body, frame("stdout", Buffer.from("out")));
});

test("the client's word decides on frames, whatever the process writes to", async () => {
  for (const tty of [true, false]) {
    const session = new FakeSession({ tty: !tty });
    await using server = await TestServer.start(execMethods(session));
    const body = JSON.stringify({ Tty: tty });
    const client = server.raw(execHead("/v1.42", body, ...upgrade), body);
    session.write("out");
    session.end();
    await client.end();
    assert.deepEqual(client.body, tty ? Buffer.from("out") : frame("stdout", Buffer.from("out")));
    assert.match(client.text, new RegExp(`Content-Type: application/vnd.docker.${tty ? "raw" : "multiplexed"}-stream\r\n`));
  }
});

test("the head of an exec says who the server is", async () => {
  const session = new FakeSession();
  await using server = await TestServer.start(execMethods(session));
  const client = server.raw(execHead("", "{}", ...upgrade), "{}");
  session.end();
  await client.end();
  const names = client.text
    .split("\r\n")
    .slice(1, -2)
    .map((header) => header.split(":")[0]);
  assert.deepEqual(names, ["Content-Type", "Connection", "Upgrade", "Api-Version", "Docker-Experimental", "Ostype", "Server"]);
});

test("a start that is refused is an ordinary answer, one that fails is told as output", async () => {
  const refuse = async () => {
    throw conflict("exec command e has already run");
  };
  await using server = await TestServer.start({ exec: { admit: async () => undefined, start: refuse } });
  const client = server.raw(execHead("", "{}", ...upgrade), "{}");
  await client.end();
  assert.match(client.text, /^HTTP\/1\.1 101 /);
  assert.deepEqual(client.body, frame("stdout", Buffer.from("exec command e has already run\r\n")));
  await using strict = await TestServer.start({ exec: { admit: refuse } });
  const refused = strict.raw(execHead("", "{}", ...upgrade), "{}");
  await refused.end();
  assert.match(refused.text, /^HTTP\/1\.1 409 Conflict\r\n/);
});

test("a detached exec start is an empty 200", async () => {
  const started: unknown[] = [];
  await using server = await TestServer.start(execMethods(new FakeSession(), started));
  const answer = await server.request("POST", "/exec/e/start", { Detach: true });
  assert.equal(answer.status, 200);
  assert.equal(answer.text, "");
  assert.deepEqual(started, [{ id: "e", detached: true }]);
});

test("an exec without a command is refused", async () => {
  await using server = await TestServer.start({});
  const answer = await server.request("POST", "/containers/c/exec", { Cmd: [] });
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.json(), { message: "No exec command specified" });
});

test("closing the server ends connections that were taken over", async () => {
  const session = new FakeSession();
  const { methods, head } = attachTo(session);
  await using server = await TestServer.start(methods);
  const client = server.raw(head("stream=1&stdin=1&stdout=1", ...upgrade));
  await client.until("\r\n\r\n");
  // Not by its deadline, which comes after that of the test.
  await server.server.close({ deadlineMilliseconds: 3_600_000 });
  await client.end();
  assert.equal(session.closed, true);
});
