import assert from "node:assert/strict";
import { test } from "node:test";
import { readUdpFlow } from "./udp-flows.ts";

/** As Linux 6.18 told of one: 127.0.0.1:59152 → 127.0.0.1:34567, not translated. */
const recorded = Buffer.from(
  "020000003400018014000180080001007f000001080002007f0000011c000280050001001100000006000200e710000006000300870700003400028014000180080001007f000001080002007f0000011c0002800500010011000000060002008707000006000300e71000000800030000000008080008000000000008000c008cd1e9db08000b0000000001080007000000001d",
  "hex",
);

test("a flow is read from what the kernel tells, and its key is its tuple and id as they came", () => {
  const flow = readUdpFlow(recorded);
  assert.deepEqual(flow && { ...flow, key: flow.key.map((part) => part.toString("hex")) }, {
    destination: "127.0.0.1",
    destinationPort: 34567,
    answeredBy: "127.0.0.1",
    key: [recorded.subarray(4, 4 + 0x34).toString("hex"), "08000c008cd1e9db"],
  });
});

test("what the kernel tells of other protocols is no flow of UDP", () => {
  const tcp = Buffer.from(recorded);
  tcp[tcp.indexOf(Buffer.from("0500010011", "hex")) + 4] = 6;
  assert.equal(readUdpFlow(tcp), undefined);
});
