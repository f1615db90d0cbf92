import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, type Settings } from "node:http2";
import { connect } from "node:net";
import { test } from "node:test";
import { serveCri } from "../testing/serve-cri.ts";

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
