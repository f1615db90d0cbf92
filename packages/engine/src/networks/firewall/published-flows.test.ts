import assert from "node:assert/strict";
import { test } from "node:test";
import type { UdpFlow } from "../linux/udp-flows.ts";
import { PublishedFlows } from "./published-flows.ts";
import type { FirewallPort } from "./ruleset.ts";

const flow = (destination: string, destinationPort: number, answeredBy: string): UdpFlow => ({
  destination,
  destinationPort,
  answeredBy,
  key: [],
});

function port(hostAddress: string, hostPort: number, containerAddress: string): FirewallPort {
  return { protocol: "udp", hostAddress, hostPort, containerAddress, containerPort: 53 };
}

/** The flows of one kernel, and what was ended of them. */
function published(flows: UdpFlow[], warnings: string[] = []) {
  const ended: string[] = [];
  const room = new PublishedFlows({
    flows: {
      to: (ports, family) =>
        Promise.resolve(
          flows.filter((each) => ports.has(each.destinationPort) && each.destination.includes(":") === (family === 6)),
        ),
      end: (gone) => void ended.push(...gone.map(({ destination, answeredBy }) => `${destination} ${answeredBy}`)),
    },
    links: { localAddresses: () => new Set(["192.0.2.1", "fd00::1"]) },
    warn: (message) => void warnings.push(message),
  });
  return { room, ended };
}

const flows = [
  flow("192.0.2.1", 5300, "172.17.0.2"),
  flow("192.0.2.1", 5300, "172.17.0.9"),
  flow("127.0.0.7", 5300, "127.0.0.7"),
  flow("203.0.113.5", 5300, "203.0.113.5"),
  flow("fd00::1", 5300, "fd00::1"),
  flow("192.0.2.1", 5301, "172.17.0.9"),
];

test("a port that opens ends the flows to it that lead elsewhere, of this machine alone", async () => {
  const { room, ended } = published(flows);
  await room.opened([port("0.0.0.0", 5300, "172.17.0.2")]);
  assert.deepEqual(ended, ["192.0.2.1 172.17.0.9", "127.0.0.7 127.0.0.7"]);
});

test("a port that closes ends all flows to it, on its own address where it has one", async () => {
  const everywhere = published(flows);
  await everywhere.room.closed([port("0.0.0.0", 5300, "172.17.0.2"), port("::", 5300, "fd00:17::2")]);
  assert.deepEqual(everywhere.ended, ["192.0.2.1 172.17.0.2", "192.0.2.1 172.17.0.9", "127.0.0.7 127.0.0.7", "fd00::1 fd00::1"]);
  const one = published(flows);
  await one.room.closed([port("127.0.0.7", 5300, "172.17.0.2")]);
  assert.deepEqual(one.ended, ["127.0.0.7 127.0.0.7"]);
});

test("ports of other protocols ask nobody, and a kernel that cannot be asked is told of once", async () => {
  const warnings: string[] = [];
  const fail = () => {
    throw new Error("protocol not supported");
  };
  const room = new PublishedFlows({
    flows: { to: fail, end: fail },
    links: { localAddresses: () => new Set() },
    warn: (message) => void warnings.push(message),
  });
  await room.opened([{ ...port("0.0.0.0", 80, "172.17.0.2"), protocol: "tcp" }]);
  assert.deepEqual(warnings, []);
  await room.opened([port("0.0.0.0", 53, "172.17.0.2")]);
  await room.closed([port("0.0.0.0", 53, "172.17.0.2")]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /protocol not supported/);
});
