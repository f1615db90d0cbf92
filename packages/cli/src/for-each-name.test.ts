import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SampleDaemon } from "./sample-daemon.ts";

const answers: Record<string, unknown> = { update: {}, wait: { StatusCode: 0 } };

for (const argv of [["start"], ["restart"], ["update", "-m", "64m"], ["wait"]]) {
  const [command = ""] = argv;
  test(`${command} takes one container after another, also after one that fails`, async (t) => {
    let busy = 0;
    let most = 0;
    const daemon = await SampleDaemon.start(t, (request, response) => {
      most = Math.max(most, ++busy);
      request.resume();
      void sleep(20).then(() => {
        busy--;
        if (request.url?.includes("/bad/") === true) response.writeHead(404).end('{"message":"No such container: bad"}');
        else response.end(JSON.stringify(answers[command] ?? ""));
      });
    });
    const { status, out, err } = await daemon.run([...argv, "a", "bad", "b"]);
    assert.equal(most, 1);
    assert.deepEqual(
      daemon.requests,
      ["a", "bad", "b"].map((name) => `POST /containers/${name}/${command}`),
    );
    assert.equal(status, 1);
    assert.equal(out, command === "wait" ? "0\n0\n" : "a\nb\n");
    assert.equal(err, "Error response from daemon: No such container: bad\n");
  });
}

test("stop takes all containers at once", async (t) => {
  const waiting: (() => void)[] = [];
  const daemon = await SampleDaemon.start(t, (_, response) => {
    waiting.push(() => response.writeHead(204).end());
    if (waiting.length === 3) for (const answer of waiting) answer();
  });
  assert.deepEqual(await daemon.run(["stop", "a", "b", "c"]), { status: 0, out: "a\nb\nc\n", err: "" });
});
