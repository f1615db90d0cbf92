import { notFound } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { openSpdyCommand } from "./testing/spdy-command.ts";
import { TestStreaming } from "./testing/test-streaming.ts";

const three = ["stdin", "stdout", "stderr"];

for (const kind of ["exec", "attach"] as const)
  for (const protocol of ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io", ""])
    test(`${kind} over SPDY ${protocol || "of clients without versions"}: streams, half-close of stdin, end`, async () => {
      await using streaming = await TestStreaming.start();
      streaming.backend.run = async ({ stdin, stdout, stderr, exited }) => {
        assert.ok(stdin && stdout && stderr);
        stderr.write("told");
        // Ends only when the client ends its input.
        stdout.write(`got ${await text(stdin)}`);
        exited(0);
      };
      const { of, said, client } = await openSpdyCommand(streaming.url(kind), three, protocol);
      await of("stdin").write("some ");
      await of("stdin").end("input");
      assert.deepEqual(await Promise.all([said("stdout"), said("stderr")]), ["got some input", "told"]);
      const status = await said("error");
      if (protocol.startsWith("v4")) assert.equal(JSON.parse(status).status, "Success");
      else assert.equal(status, "");
      await client.closed;
      assert.equal(client.gone, true);
      await streaming.untilQuiet();
    });

for (const code of [0, 3, 137])
  test(`exit code ${code} is told in the error stream`, async () => {
    await using streaming = await TestStreaming.start();
    streaming.backend.run = async ({ exited }) => exited(code);
    const { said } = await openSpdyCommand(streaming.url("exec", { stdin: false }), ["stdout", "stderr"]);
    const status = JSON.parse(await said("error"));
    assert.equal(status.status, code === 0 ? "Success" : "Failure");
    assert.deepEqual(status.details?.causes, code === 0 ? undefined : [{ reason: "ExitCode", message: String(code) }]);
    const old = await openSpdyCommand(streaming.url("exec", { stdin: false }), ["stdout", "stderr"], "v2.channel.k8s.io");
    assert.match(await old.said("error"), code === 0 ? /^$/ : new RegExp(`exit status ${code}$`));
  });

test("what could not be run says why", async () => {
  await using streaming = await TestStreaming.start();
  streaming.backend.run = async () => {
    throw notFound("no such container: c1");
  };
  const { said } = await openSpdyCommand(streaming.url("exec"), three);
  assert.equal(
    JSON.parse(await said("error")).message,
    "Internal error occurred: error executing command in container: no such container: c1",
  );
});

test("a terminal has sizes and no stderr", async () => {
  await using streaming = await TestStreaming.start();
  const sizes: unknown[] = [];
  streaming.backend.run = async ({ stdout, stderr, resize }) => {
    assert.equal(stderr, undefined);
    for await (const size of resize) {
      sizes.push(size);
      stdout?.write(`${size.width}\n`);
      if (size.width === 100) return;
    }
  };
  const { of, said } = await openSpdyCommand(streaming.url("exec", { tty: true }), ["stdin", "stdout", "resize"]);
  await of("resize").write('{"Width":80,"Height":24}\n');
  await once(of("stdout").output, "data");
  await of("resize").write('{"Width":100,"Height":30}\n');
  assert.equal(JSON.parse(await said("error")).status, "Success");
  assert.deepEqual(sizes, [
    { width: 80, height: 24 },
    { width: 100, height: 30 },
  ]);
});

test("a stream of no kind, or the second of its kind, is reset, and a ping is answered", async () => {
  await using streaming = await TestStreaming.start();
  streaming.backend.run = async ({ stdin, stdout }) => stdin && stdout && pipeline(stdin, stdout);
  const { client, of, said } = await openSpdyCommand(streaming.url("exec"), three);
  for (const streamType of ["stdout", "sound"]) {
    const stream = await client.make({ streamType });
    assert.equal(await text(stream.output), "");
    assert.equal(stream.reset, 5);
  }
  client.control(6, Buffer.from([0, 0, 0, 7]));
  await of("stdin").end("echo");
  assert.equal(await said("stdout"), "echo");
  await client.closed;
  assert.deepEqual(client.pongs, [7]);
});
