import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleDaemon } from "./sample-daemon.ts";

test("a trace of a container that is not there says so, one of a container without calls is empty", async (t) => {
  const daemon = await SampleDaemon.start(t, (request, response) => {
    if (request.url?.includes("/containers/none/") === true) response.writeHead(404).end('{"message":"No such container: none"}');
    else response.end("[]");
  });
  const { status, err } = await daemon.run(["plugin", "trace", "none"]);
  assert.deepEqual([status, err], [1, "Error response from daemon: No such container: none\n"]);
  assert.deepEqual(await daemon.run(["plugin", "trace", "web"]), { status: 0, out: "", err: "" });
});
