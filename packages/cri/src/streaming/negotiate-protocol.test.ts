import assert from "node:assert/strict";
import { test } from "node:test";
import { negotiateProtocol } from "./negotiate-protocol.ts";

test("the client's first choice that we speak wins, in one header or several", () => {
  const spoken = ["v4.channel.k8s.io", "v3.channel.k8s.io"];
  assert.equal(negotiateProtocol("v5.channel.k8s.io, v3.channel.k8s.io,v4.channel.k8s.io", spoken), "v3.channel.k8s.io");
  assert.equal(negotiateProtocol(["v5.channel.k8s.io", "v4.channel.k8s.io"], spoken), "v4.channel.k8s.io");
  assert.equal(negotiateProtocol("v5.channel.k8s.io", spoken), undefined);
  assert.equal(negotiateProtocol(undefined, spoken), undefined);
});
