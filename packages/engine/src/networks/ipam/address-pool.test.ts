import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressPool } from "./address-pool.ts";

test("addresses are given from the lowest, without network, broadcast, gateway and auxiliary addresses", () => {
  const pool = new AddressPool({ subnet: "10.0.0.0/29", auxiliary: { printer: "10.0.0.3" } });
  assert.equal(pool.gateway, "10.0.0.1");
  assert.deepEqual(
    [pool.take(), pool.take(), pool.take(), pool.take(), pool.take()],
    ["10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6", undefined],
  );
});

test("an address that was given back is given again, a held one never", () => {
  const pool = new AddressPool({ subnet: "10.0.0.0/24", gateway: "10.0.0.254" });
  pool.hold("10.0.0.1");
  assert.equal(pool.take(), "10.0.0.2");
  assert.throws(() => pool.takeExactly("10.0.0.2"), /^EngineError: Address already in use$/);
  assert.throws(() => pool.takeExactly("10.0.0.254"), /Address already in use/);
  assert.throws(() => pool.takeExactly("10.0.0.255"), /Address already in use/, "the broadcast address");
  pool.give("10.0.0.2");
  pool.give("10.0.0.254");
  assert.equal(pool.take(), "10.0.0.2");
  assert.throws(() => pool.takeExactly("10.0.0.254"), /Address already in use/, "the gateway is nobody's to give back");
});

test("addresses nobody asked for come from the range, asked ones from all of the subnet", () => {
  const pool = new AddressPool({ subnet: "10.0.0.0/24", range: "10.0.0.64/30" });
  assert.deepEqual(
    [pool.take(), pool.take(), pool.take(), pool.take(), pool.take()],
    ["10.0.0.64", "10.0.0.65", "10.0.0.66", "10.0.0.67", undefined],
  );
  assert.equal(pool.takeExactly("10.0.0.9"), "10.0.0.9");
});

test("a /31 and a /64 are subnets like any other", () => {
  assert.equal(new AddressPool({ subnet: "10.0.0.0/31" }).take(), "10.0.0.1");
  const six = new AddressPool({ subnet: "fd00:1::/64" });
  assert.equal(six.gateway, "fd00:1::1");
  assert.equal(six.take(), "fd00:1::2");
  assert.equal(six.takeExactly("fd00:1:0:0:0:0:0:ff"), "fd00:1::ff");
});

test("ranges and gateways outside the subnet are refused", () => {
  assert.throws(() => new AddressPool({ subnet: "10.0.0.0/24", range: "10.0.1.0/28" }), /outside the subnet/);
  assert.throws(() => new AddressPool({ subnet: "10.0.0.0/24", gateway: "10.0.1.1" }), /no matching subnet for gateway/);
  assert.throws(
    () => new AddressPool({ subnet: "10.0.0.0/24", auxiliary: { x: "10.9.9.9" } }),
    /no matching subnet for auxiliary address x/,
  );
  assert.equal(new AddressPool({ subnet: "10.0.0.0/32" }).take(), undefined, "the gateway has the only address");
});
