import assert from "node:assert/strict";
import { constants } from "node:http2";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { connectContainerd } from "./connect.ts";
import { VersionResponseSchema } from "./gen/version_pb.ts";
import { FakeGrpcServer, reply, type FakeHandler } from "./grpc/fake-grpc-server.ts";
import { frame } from "./grpc/frames.ts";

const said = frame(toBinary(VersionResponseSchema, create(VersionResponseSchema, { version: "1.2.3" })));

test("who waits for containerd's return waits through every failure, and until the signal aborts only", async () => {
  const failures: FakeHandler[] = [
    (stream) => stream.close(constants.NGHTTP2_PROTOCOL_ERROR),
    (stream) => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM),
    (stream) => reply(stream, [], { "grpc-status": "13", "grpc-message": "not yet" }),
  ];
  await using server = await FakeGrpcServer.start((stream, headers) => {
    const asked = headers[":path"]?.endsWith("/Version") === true;
    const failure = asked ? failures.shift() : undefined;
    if (failure) failure(stream, headers);
    else reply(stream, [asked ? said : frame(new Uint8Array())]);
  });
  const client = connectContainerd({ address: server.address, namespace: "test" });
  try {
    await client.whenReconnected();
    assert.equal(failures.length, 0);
    await server.kill();
    await assert.rejects(client.whenReconnected({ signal: AbortSignal.timeout(50) }), { kind: "deadlineExceeded" });
  } finally {
    await client.close();
  }
});
