import type { StreamingBackend } from "@pouchcontainer/cri";
import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import type { Configuration } from "../config/options.ts";
import { checkStreaming, openStreaming } from "./cri-streaming.ts";

// They look at these flags alone.
const configured = (flags: object = {}) =>
  ({ "enable-cri": true, "stream-server-address": "127.0.0.1", "stream-server-port": 0, ...flags }) as Configuration;

const nothing = (): Promise<void> => Promise.resolve();
const backend: StreamingBackend = { exec: nothing, attach: nothing, portForward: nothing };

test("streams are served where the flags say, and URLs lead there", async (t) => {
  const server = await openStreaming(configured(), backend);
  t.after(() => server.close());
  assert.match(server.portForwardUrl({ podSandboxId: "p1", ports: [80] }), /^http:\/\/127\.0\.0\.1:\d+\/portforward\//);
});

test("a port that is taken is said with its flags", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  t.after(() => other.close());
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await assert.rejects(
    openStreaming(configured({ "stream-server-port": port }), backend),
    (error: unknown) =>
      isKind(error, "invalidArgument") && /^--stream-server-address, --stream-server-port: .*EADDRINUSE/.test(error.message),
  );
});

test("streams that others could read on their way are told of at the start", () => {
  const warnings = (flags: object): string[] => {
    const told: string[] = [];
    checkStreaming(configured(flags), (text) => told.push(text));
    return told;
  };
  assert.deepEqual(warnings({}), []);
  assert.deepEqual(warnings({ "stream-server-address": "::1" }), []);
  assert.deepEqual(warnings({ "stream-server-address": "0.0.0.0", "enable-cri": false }), []);
  assert.match(warnings({ "stream-server-address": "0.0.0.0" }).join(), /0\.0\.0\.0 without TLS/);
  assert.throws(() => warnings({ "stream-tlskey": "/none" }), /go together/);
});
