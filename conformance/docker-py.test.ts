import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Daemon, run } from "../integration/harness/daemon.ts";

/** A client that reads its answers' heads through a buffer and their streams past it: what arrives with a head is lost to it. */
test("docker-py loses no output of execs, and reads logs line by line", async () => {
  await using daemon = await Daemon.start();
  const { code, stdout, stderr } = await run("python3", [
    join(import.meta.dirname, "docker-py/streams.py"),
    `unix://${daemon.socket}`,
  ]);
  assert.equal(code, 0, stderr);
  const lines = ["line 1\n", "line 2\n", "line 3\n", "last\n"];
  assert.deepEqual(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""), {
    exec: Array.from({ length: 50 }, (_, n) => `${n}\n`),
    "exec stream": Array.from({ length: 5 }, (_, n) => `${n}\n`),
    "exec demux": ["out\n", "err\n"],
    "exec tty": "tty\r\n",
    "exec socket": Buffer.from("\x01\0\0\0\0\0\0\x06typed\n").toString("hex"),
    "exec failed": [
      127,
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown\r\n',
    ],
    run: Array.from({ length: 5 }, (_, n) => `${n}\n`),
    "logs followed": lines,
    "logs stream": lines,
    logs: lines.join(""),
    "logs tail": "line 3\nlast\n",
  });
});
