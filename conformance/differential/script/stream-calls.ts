import type { Step } from "../step.ts";

const upgrade = { Connection: "Upgrade", Upgrade: "tcp" };
/** Far enough apart that either engine reads them one by one, on a busy machine too. */
const talk = "echo one; sleep 0.7; echo two >&2; sleep 0.7; echo three; sleep 0.7; printf partial";

const logs = (query: string, note?: string): Step => ({
  call: `GET /containers/said/logs?${query}`,
  ...(note === undefined ? {} : { note }),
});

const exec = (name: string, body: Record<string, unknown>): Step => ({
  call: "POST /containers/running/exec",
  note: name,
  body,
  binds: name,
});

const webSocket = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

/** A client's WebSocket frame, its mask all zeros. */
const message = (text: string): Buffer => Buffer.concat([Buffer.from([0x81, 0x80 + text.length, 0, 0, 0, 0]), Buffer.from(text)]);

/** Logs, attach and exec: frames, heads, and what is refused. */
export const streamCalls: Step[] = [
  { call: "POST /containers/create?name=said", body: { Image: "busybox", Cmd: ["sh", "-c", talk] }, binds: "said" },
  { call: "POST /containers/said/attach?stream=1&stdout=1&stderr=1", headers: upgrade, goesOn: true },
  { call: "POST /containers/said/attach?stream=1&stdout=1", note: "without upgrade", goesOn: true },
  { call: "GET /containers/said/logs?stdout=1&stderr=1&follow=1", note: "before start", goesOn: true },
  { call: "POST /containers/said/start" },
  { call: "POST /containers/said/wait" },
  logs("stdout=1&stderr=1"),
  logs("stdout=1"),
  logs("stderr=1"),
  logs("stdout=1&stderr=1&tail=1"),
  logs("stdout=1&stderr=1&tail=0"),
  logs("stdout=1&stderr=1&tail=all"),
  logs("stdout=1&stderr=1&tail=-1"),
  logs("stdout=1&stderr=1&timestamps=1"),
  logs("stdout=1&stderr=1&details=1"),
  logs("stdout=1&stderr=1&follow=1"),
  logs("stdout=1&stderr=1&since=1"),
  logs("stdout=1&stderr=1&until=1"),
  logs("stdout=1&stderr=1&since=4000000000"),
  ...["since=-1", "until=-1", "since=-1.5", "since=1.-5", "since=1.1234567891234", "since=%2B1", "until=0", "until=0.0"].map(
    (time) => logs(`stdout=1&${time}`),
  ),
  ...["since=x", "until=1.", "since=.5", "since=10m", "until=2024-01-01T00:00:00Z", "since=9223372036854775808"].map((time) =>
    logs(`stdout=1&${time}`, "no time"),
  ),
  logs("stdout=true&stderr=True"),
  { call: "GET /containers/said/logs?stdout=1", version: "1.24" },
  { call: "POST /containers/said/attach?logs=1&stdout=1&stderr=1", note: "logs alone", headers: upgrade },
  { call: "POST /containers/said/attach?logs=1&stdout=1&stderr=1", note: "logs, without upgrade" },
  { call: "DELETE /containers/said" },

  {
    call: "POST /containers/create?name=terminal",
    body: { Image: "busybox", Tty: true, OpenStdin: true, Cmd: ["sh", "-c", "read a; echo got $a"] },
    binds: "terminal",
  },
  { call: "POST /containers/terminal/resize?h=30&w=90", note: "created" },
  { call: "POST /containers/terminal/attach?stream=1&stdin=1&stdout=1", headers: upgrade, input: "word\n", goesOn: true },
  { call: "POST /containers/terminal/start" },
  { call: "POST /containers/terminal/wait" },
  { call: "GET /containers/terminal/logs?stdout=1" },
  { call: "POST /containers/terminal/attach?stream=1&detachKeys=junk-keys", note: "bad keys", headers: upgrade },
  { call: "DELETE /containers/terminal" },

  {
    call: "POST /containers/create?name=input",
    body: { Image: "busybox", OpenStdin: true, StdinOnce: true, Cmd: ["cat"] },
    binds: "input",
  },
  {
    call: "POST /containers/input/attach?stream=1&stdin=1&stdout=1&stderr=1",
    headers: upgrade,
    input: "typed\nlines\n",
    goesOn: true,
  },
  { call: "POST /containers/input/start" },
  { call: "POST /containers/input/wait" },
  { call: "DELETE /containers/input" },

  {
    call: "POST /containers/create?name=socket",
    body: { Image: "busybox", OpenStdin: true, StdinOnce: true, Cmd: ["sh", "-c", `read a; echo got $a; sleep 0.1; ${talk}`] },
    binds: "socket",
  },
  { call: "GET /containers/socket/attach/ws?stream=1&detachKeys=junk-keys", note: "bad keys", headers: webSocket },
  { call: "GET /containers/socket/attach/ws?logs=1", note: "logs alone", headers: webSocket, goesOn: true },
  { call: "GET /containers/socket/attach/ws?stream=1", headers: webSocket, input: message("word\n"), goesOn: true },
  { call: "GET /containers/socket/attach/ws?stream=1", version: "1.27", headers: webSocket, goesOn: true },
  { call: "POST /containers/socket/start" },
  { call: "POST /containers/socket/wait" },
  { call: "DELETE /containers/socket" },

  { call: "POST /containers/create?name=running", body: { Image: "busybox", Cmd: ["sleep", "1000"] }, binds: "running" },
  { call: "POST /containers/running/start" },
  { call: "POST /containers/running/exec", note: "no command", body: {} },
  { call: "POST /containers/running/exec", note: "empty command", body: { Cmd: [] } },
  { call: "POST /containers/running/exec", note: "wrong type", body: { Cmd: 5 } },
  { call: "POST /containers/running/exec", note: "no JSON", body: "{", headers: { "Content-Type": "application/json" } },
  { call: "POST /containers/running/exec", note: "nothing" },
  { call: "POST /containers/running/exec", note: "text/plain", body: "{}", headers: { "Content-Type": "text/plain" } },
  { call: "POST /containers/running/exec", note: "bad keys", body: { Cmd: ["true"], DetachKeys: "junk-keys" } },
  { call: "POST /containers/running/exec", note: "env at 1.24", version: "1.24", body: { Cmd: ["true"], Env: ["A=b"] } },
  { call: "POST /containers/running/exec", note: "work dir at 1.30", version: "1.30", body: { Cmd: ["true"], WorkingDir: "/" } },
  exec("plain", { Cmd: ["sh", "-c", "echo out; sleep 0.1; echo err >&2; exit 4"], AttachStdout: true, AttachStderr: true }),
  { call: "GET /exec/<plain>/json", note: "before" },
  { call: "POST /exec/<plain>/resize?h=1&w=1", note: "before", goesOn: "unanswered" },
  { call: "POST /exec/<plain>/start", headers: upgrade, body: {} },
  { call: "GET /exec/<plain>/json", note: "after", until: (body) => JSON.stringify(body).includes('"Running":false') },
  { call: "POST /exec/<plain>/start", note: "again", body: {} },
  exec("without", { Cmd: ["echo", "x"], AttachStdout: true }),
  { call: "POST /exec/<without>/start", note: "without upgrade", body: { Detach: false, Tty: false } },
  exec("detached", { Cmd: ["true"] }),
  { call: "POST /exec/<detached>/start", note: "detached", body: { Detach: true } },
  { call: "GET /exec/<detached>/json", note: "detached", until: (body) => JSON.stringify(body).includes('"Running":false') },
  exec("tty", { Cmd: ["sh", "-c", "echo out; sleep 0.1; echo err >&2"], AttachStdout: true, AttachStderr: true, Tty: true }),
  { call: "POST /exec/<tty>/start", headers: upgrade, body: { Tty: true } },
  exec("input", { Cmd: ["cat"], AttachStdin: true, AttachStdout: true }),
  { call: "POST /exec/<input>/start", headers: upgrade, body: {}, input: "typed\n" },
  exec("missing", { Cmd: ["/no/such/program"], AttachStdout: true, AttachStderr: true }),
  { call: "POST /exec/<missing>/start", headers: upgrade, body: {} },
  { call: "GET /exec/<missing>/json", note: "missing" },
  exec("user", { Cmd: ["id"], AttachStdout: true, User: "nosuchuser" }),
  { call: "POST /exec/<user>/start", headers: upgrade, body: {} },
  exec("bodies", { Cmd: ["true"] }),
  { call: "POST /exec/<bodies>/start", note: "no JSON", body: "{", headers: { "Content-Type": "application/json" } },
  { call: "POST /exec/<bodies>/start", note: "wrong type", body: { Detach: "yes" } },
  { call: "POST /exec/<bodies>/start", note: "text/plain", body: "{}", headers: { "Content-Type": "text/plain" } },
  { call: "POST /exec/<bodies>/resize", note: "missing" },
  { call: "GET /containers/running/json", note: "execs", varies: ["ExecIDs.*"] },
  { call: "POST /containers/running/pause" },
  { call: "POST /containers/running/exec", note: "paused", body: { Cmd: ["true"] } },
  { call: "POST /exec/<bodies>/start", note: "paused", body: { Detach: true } },
  { call: "POST /containers/running/attach?stream=1&stdout=1", note: "paused" },
  { call: "POST /containers/running/kill", note: "paused" },
  { call: "DELETE /containers/running?force=1" },
  { call: "GET /exec/<plain>/json", note: "container gone" },
];
