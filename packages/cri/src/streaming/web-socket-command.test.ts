import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { ChannelClient } from "./testing/channel-client.ts";
import { TestStreaming } from "./testing/test-streaming.ts";

const protocols = [
  undefined,
  "channel.k8s.io",
  "base64.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "v5.channel.k8s.io",
];

for (const kind of ["exec", "attach"] as const)
  for (const protocol of protocols)
    test(`${kind} over WebSocket ${protocol ?? "without a protocol"}: channels, exit code, end`, async () => {
      await using streaming = await TestStreaming.start();
      streaming.backend.run = async ({ stdin, stdout, stderr, exited }) => {
        stderr?.write("told\xff", "latin1");
        for await (const chunk of stdin ?? []) {
          stdout?.write(chunk);
          if (String(chunk).endsWith(".")) break;
        }
        exited(137);
      };
      const client = await ChannelClient.open(streaming.url(kind), protocol);
      const said = [1, 2, 3].map((channel) => text(client.output(channel)));
      await client.send(0, "some ");
      await client.send(7, "nobody's");
      await client.send(0, "input.");
      const [stdout, stderr, error = ""] = await Promise.all(said);
      assert.deepEqual([stdout, stderr], ["some input.", "told\ufffd"]);
      assert.equal(await client.closed, 1000);
      if (protocol?.startsWith("v") !== true) assert.match(error, /exit status 137$/);
      else assert.deepEqual(JSON.parse(error).details.causes, [{ reason: "ExitCode", message: "137" }]);
      await streaming.untilQuiet();
    });

test("v5 can end its input", async () => {
  await using streaming = await TestStreaming.start();
  streaming.backend.run = async ({ stdin, stdout }) => {
    stdout?.write(`got ${stdin ? await text(stdin) : ""}`);
  };
  const client = await ChannelClient.open(streaming.url("exec"), "v5.channel.k8s.io");
  const [stdout, error] = [1, 3].map((channel) => text(client.output(channel)));
  await client.send(0, "all");
  await client.send(255, Buffer.from([0]));
  await client.send(0, "late");
  assert.equal(await stdout, "got all");
  assert.equal(JSON.parse((await error) ?? "").status, "Success");
  // Of other protocols it is a channel like any that nobody has.
  const older = await ChannelClient.open(streaming.url("exec"), "v4.channel.k8s.io");
  await older.send(255, Buffer.from([0]));
  await older.send(0, "more");
  older.socket.close();
  await streaming.untilQuiet();
});

test("a terminal over WebSocket has sizes", async () => {
  await using streaming = await TestStreaming.start();
  streaming.backend.run = async ({ stdout, resize }) => {
    for await (const size of resize) {
      stdout?.write(JSON.stringify(size));
      return;
    }
  };
  const client = await ChannelClient.open(streaming.url("exec", { tty: true }), "v5.channel.k8s.io");
  await client.send(4, '{"Width":80,"Height":24}');
  assert.equal(await text(client.output(1)), '{"width":80,"height":24}');
});
