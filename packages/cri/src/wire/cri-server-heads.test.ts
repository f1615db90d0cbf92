import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders, type Settings } from "node:http2";
import { connect } from "node:net";
import { test } from "node:test";
import { serveCri } from "../testing/serve-cri.ts";

test("a client whose request is compressed is told what it may be", async () => {
  await using cri = await serveCri({ runtime: { version: async () => ({}) } });
  const session = connectHttp2("http://localhost", { createConnection: () => connect(cri.socketPath) });
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": "/runtime.v1.RuntimeService/Version",
      "content-type": "application/grpc",
      "grpc-encoding": "gzip",
    });
    stream.end(Buffer.from([1, 0, 0, 0, 0]));
    const [head] = (await once(stream, "response")) as [IncomingHttpHeaders];
    assert.deepEqual([head["grpc-status"], head["grpc-accept-encoding"]], ["12", "identity"]);
  } finally {
    session.destroy();
  }
});

test("a client is told how long the headers of a request may be", async () => {
  await using cri = await serveCri({ runtime: { version: async () => ({}) } });
  const session = connectHttp2("http://localhost", { createConnection: () => connect(cri.socketPath) });
  try {
    const [{ maxHeaderListSize }] = (await once(session, "remoteSettings")) as [Settings];
    assert.equal(maxHeaderListSize, 65_536);
  } finally {
    session.destroy();
  }
});
