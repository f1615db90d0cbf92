import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EventMessage, ExecInspect } from "@pouchcontainer/api";
import { Daemon, eventually, sleep, type ApiResponse } from "./harness/daemon.ts";
import { Hijacked } from "./harness/hijacked.ts";
import { framesIn } from "./harness/log-frames.ts";

let daemon: Daemon;
/** A container with a TTY and a shell at it. */
const tty = "with-tty";
const plain = "plain";
/** It takes its time: other tests run meanwhile. */
let neverStarted: Promise<ApiResponse>;

before(async () => {
  daemon = await Daemon.start();
  await run(tty, { Cmd: ["sh"], Tty: true, OpenStdin: true });
  await run(plain, { Cmd: ["sleep", "1000"] });
  neverStarted = daemon.api("POST", `/exec/${await createExec(plain, { Cmd: ["true"] })}/resize?h=21&w=33`);
});

after(() => daemon?.[Symbol.asyncDispose]());

async function run(name: string, config: object): Promise<void> {
  const body = { Image: "busybox", HostConfig: { NetworkMode: "none" }, ...config };
  assert.equal((await daemon.api("POST", `/containers/create?name=${name}`, body)).status, 201);
  assert.equal((await daemon.api("POST", `/containers/${name}/start`)).status, 204);
}

async function createExec(container: string, config: object): Promise<string> {
  const answer = await daemon.api("POST", `/containers/${container}/exec`, { AttachStdout: true, AttachStderr: true, ...config });
  assert.equal(answer.status, 201, answer.text);
  return answer.json<{ Id: string }>().Id;
}

const startExec = (id: string, body: object = {}): Hijacked => new Hijacked(daemon.socket, `/exec/${id}/start`, body);
const attach = (name: string, query: string): Hijacked => new Hijacked(daemon.socket, `/containers/${name}/attach?${query}`, {});

const inspectExec = async (id: string): Promise<ExecInspect> => (await daemon.api("GET", `/exec/${id}/json`)).json<ExecInspect>();

/** What is told of a container while the work is done, in order. */
async function eventsOf(container: string, work: () => Promise<unknown>): Promise<EventMessage["Action"][]> {
  // The clock of the query has milliseconds, that of the events nanoseconds.
  await sleep(2);
  const since = Date.now() / 1000;
  await work();
  const query = `since=${since.toFixed(9)}&until=${((Date.now() + 1) / 1000).toFixed(9)}`;
  const filters = encodeURIComponent(JSON.stringify({ container: [container] }));
  const { text } = await daemon.api("GET", `/events?${query}&filters=${filters}`);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as EventMessage).Action);
}

test("the output of an exec never comes together with the head", async () => {
  for (let round = 0; round < 50; round += 1) {
    const exec = startExec(await createExec(plain, { Cmd: ["echo", "hi"] }));
    assert.equal(await exec.end(), "\x01\0\0\0\0\0\0\x03hi\n");
    assert.match(exec.packets[0]?.toString() ?? "", /\r\n\r\n$/);
  }
});

/** Output without its frames: how many there are is up to how often the program wrote. */
const unframed = (frames: string): string => frames.replaceAll(/\p{Cc}\0{3}[^]{4}/gu, "");

test("what is typed before the process is there reaches it, and so does the end", async () => {
  const id = await createExec(plain, { Cmd: ["cat"], AttachStdin: true });
  const exec = new Hijacked(daemon.socket, `/exec/${id}/start`, {}, "at once, ");
  exec.socket.end("and then\n");
  assert.equal(unframed(await exec.end()), "at once, and then\n");
  const nothing = startExec(await createExec(plain, { Cmd: ["cat"], AttachStdin: true }));
  nothing.socket.end();
  assert.equal(await nothing.end(), "");
});

test("frames follow the start request, the terminal the exec", async () => {
  assert.equal(await startExec(await createExec(plain, { Cmd: ["echo", "hi"] }), { Tty: true }).end(), "hi\n");
  const framed = await startExec(await createExec(plain, { Cmd: ["echo", "hi"], Tty: true }), { Tty: false }).end();
  assert.equal(framed, "\x01\0\0\0\0\0\0\x04hi\r\n");
});

test("a resize waits for the start", async () => {
  const id = await createExec(plain, { Cmd: ["sh", "-c", "sleep 0.5; stty size"], Tty: true });
  const resized = daemon.api("POST", `/exec/${id}/resize?h=21&w=33`);
  await sleep(100);
  assert.equal(await startExec(id, { Tty: true }).end(), "21 33\r\n");
  assert.equal((await resized).status, 200);
  const failed = await createExec(plain, { Cmd: ["nosuch"] });
  const refused = daemon.api("POST", `/exec/${failed}/resize?h=21&w=33`);
  await startExec(failed).end();
  assert.equal((await refused).text, '{"message":"exec process is not started"}\n');
});

test("a resize of an exec that nobody starts is given up after a while", async () => {
  const { status, text } = await neverStarted;
  assert.deepEqual([status, text], [500, '{"message":"timeout waiting for exec session ready"}\n']);
});

test("execs tell their start also when it fails, and their end only when there was one", async () => {
  const ended = await eventsOf(plain, async () => startExec(await createExec(plain, { Cmd: ["true"] })).end());
  assert.deepEqual(ended, ["exec_create: true ", "exec_start: true ", "exec_die"]);
  const failed = await eventsOf(plain, async () => startExec(await createExec(plain, { Cmd: ["nosuch", "a", "b"] })).end());
  assert.deepEqual(failed, ["exec_create: nosuch a b", "exec_start: nosuch a b"]);
  const unknown = startExec(await createExec(plain, { Cmd: ["true"], User: "nobodyhere" }), { Tty: true });
  assert.equal(await unknown.end(), "unable to find user nobodyhere: no matching entries in passwd file\r\n");
});

test("an exec is inspected as dockerd shows it", async () => {
  const id = await createExec(plain, { Cmd: ["true"], DetachKeys: "ctrl-p,q" });
  await startExec(id).end();
  const { Running, ExitCode, CanRemove, DetachKeys, Pid } = await inspectExec(id);
  assert.deepEqual(
    { Running, ExitCode, CanRemove, DetachKeys },
    { Running: false, ExitCode: 0, CanRemove: false, DetachKeys: "EHE=" },
  );
  assert.ok(Pid > 0);
});

test("an exec that was not started ends with its container's run", async () => {
  await run("stopped", { Cmd: ["sleep", "1000"] });
  const id = await createExec("stopped", { Cmd: ["true"] });
  await daemon.api("POST", "/containers/stopped/kill");
  await daemon.api("POST", "/containers/stopped/wait");
  assert.equal((await daemon.api("GET", `/exec/${id}/json`)).status, 404);
  await daemon.api("POST", "/containers/stopped/start");
  assert.equal((await daemon.api("POST", `/exec/${id}/start`, { Detach: true })).status, 404);
});

test("detach keys end the session, are told as an event, and leave the process", async () => {
  const detached = await eventsOf(tty, async () => {
    const client = attach(tty, "stream=1&stdin=1&stdout=1");
    client.socket.write("\x10");
    await sleep(50);
    client.socket.write("\x11never");
    await client.end();
  });
  assert.deepEqual(detached, ["attach", "detach"]);
  const own = await eventsOf(tty, async () => {
    const client = attach(tty, "stream=1&stdin=1&stdout=1&detachKeys=q");
    client.socket.write("q");
    await client.end();
  });
  assert.deepEqual(own, ["attach", "detach"]);
  let id = "";
  const fromExec = await eventsOf(tty, async () => {
    id = await createExec(tty, { Cmd: ["cat"], Tty: true, AttachStdin: true });
    const client = startExec(id, { Tty: true });
    client.socket.write("\x10\x11");
    await client.end();
  });
  assert.deepEqual(fromExec, ["exec_create: cat ", "exec_start: cat ", "exec_detach"]);
  assert.equal((await inspectExec(id)).Running, true);
});

test("without a terminal the detach keys are data", async () => {
  const exec = startExec(await createExec(plain, { Cmd: ["cat"], AttachStdin: true }));
  exec.socket.end("\x10\x11");
  assert.equal(await exec.end(), "\x01\0\0\0\0\0\0\x02\x10\x11");
});

test("bad detach keys are refused in Docker's words", async () => {
  const exec = await daemon.api("POST", `/containers/${plain}/exec`, { Cmd: ["true"], DetachKeys: "ctrl-+" });
  assert.deepEqual([exec.status, exec.text], [400, '{"message":"Invalid escape keys (ctrl-+) provided"}\n']);
  const attached = await daemon.api("POST", `/containers/${tty}/attach?stream=1&detachKeys=ctrl-%2B`);
  assert.deepEqual([attached.status, attached.text], [400, "Invalid detach keys (ctrl-+) provided\r\n"]);
});

test("where the end of the input is not the process's, it is the session's", async () => {
  for (const client of [
    attach(tty, "stream=1&stdin=1&stdout=1"),
    startExec(await createExec(tty, { Cmd: ["sleep", "1000"], Tty: true, AttachStdin: true }), { Tty: true }),
  ]) {
    client.socket.end();
    await client.end();
    assert.equal(client.status, 101);
  }
});

test("who attaches to a container whose end was just told gets the next run", async () => {
  await run("again", { Cmd: ["echo", "once more"] });
  for (let round = 0; round < 5; round += 1) {
    await daemon.api("POST", "/containers/again/wait");
    const client = attach("again", "stream=1&stdout=1");
    await eventually("the head is there", () => client.status === 101);
    assert.equal((await daemon.api("POST", "/containers/again/start")).status, 204);
    assert.match(await client.end(), /once more\n$/);
    assert.equal(
      (await daemon.api("GET", "/containers/again/json")).json<{ State: { Running: boolean } }>().State.Running,
      false,
    );
  }
});

test("the log and then what comes: nothing twice and nothing missing", async () => {
  const script = "i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done; sleep 1000";
  await run("counting", { Cmd: ["sh", "-c", script], Tty: true });
  const client = attach("counting", "logs=1&stream=1&stdout=1");
  await eventually("the last number is there", () => client.output.endsWith("1999\r\n"));
  client.socket.destroy();
  assert.equal(client.output, Array.from({ length: 2000 }, (_, n) => `${n}\r\n`).join(""));
});

test("the log and then what comes: of a line that has begun its beginning too, with a terminal and without", async () => {
  for (const Tty of [true, false]) {
    const name = `begun-${Tty}`;
    const script = 'echo first; printf begun; read -r word; echo " ended"; sleep 1000';
    await run(name, { Cmd: ["sh", "-c", script], Tty, OpenStdin: true });
    const other = attach(name, "logs=1&stream=1&stdout=1");
    await eventually("the log is there", () => other.output.includes("first"));
    other.socket.destroy();
    const client = attach(name, "logs=1&stream=1&stdout=1&stdin=1");
    await eventually("the line's beginning is there", () => client.output.includes("begun"));
    client.socket.write("\n");
    await eventually("its end is there", () => client.output.includes("ended"));
    client.socket.destroy();
    const text = Tty
      ? client.output
      : framesIn(Buffer.from(client.output))
          .map(({ data }) => data.toString())
          .join("");
    assert.match(text, /^first\r?\nbegun(\r\n)? ended\r?\n$/);
  }
});

/** Frames of a log as `stream:length` or, when they are short, `stream:text`. */
async function logFrames(name: string, query: string): Promise<string[]> {
  const answer = await daemon.api("GET", `/containers/${name}/logs?stdout=1&stderr=1${query}`);
  return framesIn(Buffer.from(answer.text)).map(
    ({ stream, data }) => `${stream}:${data.length > 100 ? data.length : data.toString()}`,
  );
}

test("a log has one frame for each of its lines, and for each piece of a long one, followed or not", async () => {
  const long = "head -c 40000 /dev/zero | tr '\\0' x";
  await run("talking", { Cmd: ["sh", "-c", `echo one; echo two; echo err >&2; sleep 0.2; ${long}; echo; printf end`] });
  await daemon.api("POST", "/containers/talking/wait");
  // Every length is valid UTF-8: the harness reads answers as text.
  const pieces = ["1:16384", "1:16384", "1:7233"];
  for (const follow of ["", "&follow=1"]) {
    const frames = await logFrames("talking", follow);
    assert.deepEqual(
      frames.filter((frame) => frame !== "2:err\n"),
      ["1:one\n", "1:two\n", ...pieces, "1:end"],
    );
    assert.ok(frames.includes("2:err\n"));
  }
  assert.deepEqual(await logFrames("talking", "&tail=2"), ["1:7233", "1:end"]);
});
