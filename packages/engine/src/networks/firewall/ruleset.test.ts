import assert from "node:assert/strict";
import { test } from "node:test";
import { portElement, renderRuleset, type FirewallNetwork } from "./ruleset.ts";

const front: FirewallNetwork = {
  bridge: "br-front",
  subnets: ["10.1.0.0/24", "fd00:1::/64"],
  internal: false,
  interContainer: true,
  masquerade: true,
};

test("a port goes into the map of its family, with its address where it has one", () => {
  const port = { protocol: "tcp", hostPort: 8080, containerPort: 80 } as const;
  assert.deepEqual(portElement({ ...port, hostAddress: "0.0.0.0", containerAddress: "10.1.0.2" }), {
    map: "ports4",
    key: "tcp . 8080",
    value: "10.1.0.2 . 80",
  });
  assert.deepEqual(portElement({ ...port, hostAddress: "::", containerAddress: "fd00:1::2" }), {
    map: "ports6",
    key: "tcp . 8080",
    value: "fd00:1::2 . 80",
  });
  assert.deepEqual(portElement({ ...port, hostAddress: "192.0.2.2", containerAddress: "10.1.0.2" }), {
    map: "ports4at",
    key: "192.0.2.2 . tcp . 8080",
    value: "10.1.0.2 . 80",
  });
});

test("the table is replaced in one transaction and holds nothing of anybody else", () => {
  const text = renderRuleset("pouch", { networks: [front], ports: [], links: [] });
  assert.match(text, /^table inet pouch \{\}\ndelete table inet pouch\ntable inet pouch \{\n/);
  assert.equal(text.match(/^table /gm)?.length, 2);
  assert.match(text, /oifname != "br-front" ip saddr 10\.1\.0\.0\/24 masquerade/);
  assert.match(text, /oifname != "br-front" ip6 saddr fd00:1::\/64 masquerade/);
});

test("an internal network is not masqueraded and is shut in both directions", () => {
  const text = renderRuleset("pouch", { networks: [{ ...front, internal: true }], ports: [], links: [] });
  assert.doesNotMatch(text, /oifname != "br-front" ip saddr/);
  assert.match(text, /chain to_0 \{\niifname != "br-front" drop/);
  assert.match(text, /chain from_0 \{ oifname != "br-front" drop; \}/);
});

test("where containers may not talk to each other only links are let through", () => {
  const text = renderRuleset("pouch", {
    networks: [{ ...front, interContainer: false }],
    ports: [],
    links: [{ from: "10.1.0.2", to: "10.1.0.3", protocol: "tcp", port: 5432 }],
  });
  assert.doesNotMatch(text, /iifname "br-front" accept/);
  assert.match(text, /set links4 \{[^}]*elements = \{ 10\.1\.0\.2 \. 10\.1\.0\.3 \. tcp \. 5432 \}/);
  assert.match(text, /@links4 accept/);
});

test("a chosen source address takes the place of the interface's own", () => {
  const text = renderRuleset("pouch", { networks: [{ ...front, snatAddress: "192.0.2.9" }], ports: [], links: [] });
  assert.match(text, /oifname != "br-front" ip saddr 10\.1\.0\.0\/24 snat ip to 192\.0\.2\.9/);
});
