import assert from "node:assert/strict";
import { test } from "node:test";
import { bandwidthOfAnnotations } from "./pod-bandwidth.ts";

const ingress = "kubernetes.io/ingress-bandwidth";

test("rates are quantities of Kubernetes, in bits per second", () => {
  for (const [text, bits] of Object.entries({
    "10M": 1e7,
    "1Gi": 2 ** 30,
    "2500": 2500,
    "1.5k": 1500,
    "1e6": 1e6,
    "2000000m": 2000,
  }))
    assert.equal(bandwidthOfAnnotations({ [ingress]: text })?.ingressRate, bits, text);
  assert.deepEqual(bandwidthOfAnnotations({ "kubernetes.io/egress-bandwidth": "1M" }), {
    egressRate: 1e6,
    egressBurst: 4294967295,
  });
  assert.equal(bandwidthOfAnnotations({ other: "1M" }), undefined);
});

test("what is no rate, or none between 1k and 1P, is refused", () => {
  for (const text of ["", "M", "-1M", "10Mbit", "999", "2P", "1M; rm", "0x10"])
    assert.throws(() => bandwidthOfAnnotations({ [ingress]: text }), /is not a rate/, text);
});
