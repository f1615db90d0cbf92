import assert from "node:assert/strict";
import { test } from "node:test";
import { contains, numberToAddress, overlaps, parseCidr } from "./cidr.ts";

test("a CIDR is its canonical subnet, whatever address in it was written", () => {
  assert.equal(parseCidr("10.1.2.3/16").text, "10.1.0.0/16");
  assert.equal(parseCidr("FD00:0:0::5/48").text, "fd00::/48");
  assert.equal(numberToAddress(parseCidr("::ffff:0:0/96").first, 6).includes(":"), true);
});

test("what is no CIDR is refused in Go's words", () => {
  for (const bad of [
    "",
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0/8",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "fd00::/129",
    "host/8",
    "10.0.0.0/ 8",
  ]) {
    assert.throws(() => parseCidr(bad), { message: `invalid CIDR address: ${bad}`, kind: "invalidArgument" });
  }
});

test("subnets overlap when one holds an address of the other, families never", () => {
  const [a, b, c, six] = ["10.0.0.0/8", "10.200.0.0/16", "11.0.0.0/8", "::/0"].map(parseCidr);
  assert.ok(a && b && c && six);
  assert.equal(overlaps(a, b), true);
  assert.equal(overlaps(b, a), true);
  assert.equal(overlaps(a, c), false);
  assert.equal(overlaps(a, six), false);
  assert.equal(contains(b, "10.200.255.255"), true);
  assert.equal(contains(b, "10.201.0.0"), false);
});
