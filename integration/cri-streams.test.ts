import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { text } from "node:stream/consumers";
import { criClients, type CriClients } from "../packages/cri/src/testing/cri-clients.ts";
import { ChannelClient } from "../packages/cri/src/streaming/testing/channel-client.ts";
import { commandClients } from "../packages/cri/src/streaming/testing/command-client.ts";
import { openSpdyCommand } from "../packages/cri/src/streaming/testing/spdy-command.ts";
import { CriPod } from "./harness/cri-pod.ts";
import { Daemon, eventually, sleep } from "./harness/daemon.ts";

const mebibyte = 1 << 20;

void describe("streams of CRI's exec and attach", () => {
  let daemon: Daemon;
  let clients: CriClients;
  let pod: CriPod;
  let id: string;

  before(async () => {
    daemon = await Daemon.start({ cri: true });
    clients = criClients(daemon.criSocket);
    pod = await CriPod.run(daemon, clients);
    id = await pod.start("sleep 1000");
  });

  after(async () => {
    clients?.[Symbol.dispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  const execUrl = async (cmd: string[], wanted: { tty?: boolean; stderr?: boolean } = {}) =>
    (await pod.client.exec({ containerId: id, cmd, stdin: true, stdout: true, ...wanted })).url;

  for (const [protocol, open] of Object.entries(commandClients)) {
    test(`a command reads what is typed to its end, and its exit code is told (${protocol})`, async () => {
      const client = await open(await execUrl(["sh", "-c", "cat; exit 7"]));
      await client.write(Buffer.from("typed"));
      await client.end();
      assert.equal(await text(client.stdout), "typed");
      assert.match(await text(client.status), /"reason":"ExitCode","message":"7"/);
    });

    test(`100 MiB pass each way, whole (${protocol})`, async () => {
      const client = await open(await execUrl(["cat"]));
      const [sent, received] = [createHash("sha256"), createHash("sha256")];
      let length = 0;
      client.stdout.on("data", (chunk: Buffer) => {
        length += chunk.length;
        received.update(chunk);
      });
      const status = text(client.status);
      for (let count = 0; count < 100; count++) {
        const chunk = Buffer.alloc(mebibyte, count);
        sent.update(chunk);
        await client.write(chunk);
      }
      await client.end();
      assert.match(await status, /Success/);
      assert.equal(length, 100 * mebibyte);
      assert.equal(received.digest("hex"), sent.digest("hex"));
    });

    test(`a command that nobody hears any more waits, and costs nothing (${protocol})`, async () => {
      const client = await open(await execUrl(["sh", "-c", "echo $$ >/tmp/talker; exec yes"]));
      await once(client.stdout, "data");
      client.vanish();
      const ticks = () => pod.say(id, "sh", "-c", "cut -d' ' -f14,15 /proc/$(cat /tmp/talker)/stat");
      await eventually("it waits in a write", async () => {
        const before = await ticks();
        await sleep(300);
        return (await ticks()) === before;
      });
      await pod.say(id, "sh", "-c", "kill -9 $(cat /tmp/talker)");
    });

    test(`a client that vanishes ends the input of its command (${protocol})`, async () => {
      const client = await open(await execUrl(["sh", "-c", "echo begun; cat; sleep 0; touch /ended-$0", protocol]));
      await new Promise((resolve) => client.stdout.once("data", resolve));
      client.vanish();
      await eventually("the command sees the end", async () => {
        const { exitCode } = await pod.client.execSync({ containerId: id, cmd: ["test", "-f", `/ended-${protocol}`] });
        return exitCode === 0;
      });
    });
  }

  test("stderr has a stream of its own", async () => {
    const { of, said } = await openSpdyCommand(await execUrl(["sh", "-c", "echo out; echo err >&2"], { stderr: true }), [
      "stdin",
      "stdout",
      "stderr",
    ]);
    const spoken = await Promise.all([said("stdout"), said("stderr"), said("error")]);
    assert.deepEqual(spoken.slice(0, 2), ["out\n", "err\n"]);
    assert.match(spoken[2] ?? "", /Success/);
    assert.ok(of("stdin"));
  });

  test("a terminal has the client's size, and no keys that let go of it", async () => {
    const sized = "until stty size | grep '33 101'; do sleep 0.1; done";
    const script = `${sized}; stty raw -echo; echo ready; head -c 2 | od -An -tx1`;
    const url = await execUrl(["sh", "-c", script], { tty: true });
    const client = await ChannelClient.open(url, "v5.channel.k8s.io");
    await client.send(4, JSON.stringify({ Width: 101, Height: 33 }));
    let said = "";
    client.output(1).on("data", (chunk: Buffer) => (said += chunk.toString()));
    const output = once(client.output(1), "end");
    await eventually("the terminal is raw", () => said.includes("ready"));
    await client.send(0, Buffer.from([16, 17]));
    await client.closed;
    await output;
    assert.match(said, /33 101[^]*10 11/);
  });

  test("a command that is not there is told to the client", async () => {
    const { said } = await openSpdyCommand(await execUrl(["/no/such/program"]), ["stdin", "stdout"]);
    assert.match(await said("error"), /Failure[^]*no such file/);
  });

  test("an attach hears the container's own process and speaks to it", async () => {
    const attached = await pod.start("while read line; do echo heard $line; done", { stdin: true });
    const { url } = await pod.client.attach({ containerId: attached, stdin: true, stdout: true, stderr: true });
    const client = await ChannelClient.open(url, "v4.channel.k8s.io");
    const output = client.output(1);
    const first = new Promise<Buffer>((resolve) => output.once("data", resolve));
    await client.send(0, "one\n");
    assert.equal((await first).toString(), "heard one\n");
    client.socket.terminate();
    // The process runs on for the next one.
    const again = await pod.client.attach({ containerId: attached, stdin: true, stdout: true });
    const next = await ChannelClient.open(again.url, "v4.channel.k8s.io");
    const second = new Promise<Buffer>((resolve) => next.output(1).once("data", resolve));
    await next.send(0, "two\n");
    assert.equal((await second).toString(), "heard two\n");
    const closed = next.closed;
    await pod.client.stopContainer({ containerId: attached });
    await closed;
  });

  test("with stdin once, the end of a client's input is the process's", async () => {
    const attached = await pod.start("cat; exit 4", { stdin: true, stdinOnce: true });
    const { url } = await pod.client.attach({ containerId: attached, stdin: true, stdout: true, stderr: true });
    const { of, said } = await openSpdyCommand(url, ["stdin", "stdout", "stderr"]);
    await of("stdin").write(Buffer.from("last words"));
    await of("stdin").end();
    assert.equal(await said("stdout"), "last words");
    assert.equal((await pod.ended(attached)).exitCode, 4);
  });

  test("a URL counts once", async () => {
    const url = await execUrl(["true"]);
    const { said } = await openSpdyCommand(url, ["stdin", "stdout"]);
    await said("error");
    await assert.rejects(openSpdyCommand(url, ["stdin", "stdout"]));
  });
});
