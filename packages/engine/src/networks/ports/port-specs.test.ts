import assert from "node:assert/strict";
import { test } from "node:test";
import { parseContainerPorts, portRequests } from "./port-specs.ts";

test("container ports are single or ranges, tcp unless they say otherwise", () => {
  assert.deepEqual(parseContainerPorts("80"), [{ port: 80, protocol: "tcp" }]);
  assert.deepEqual(parseContainerPorts("53/UDP"), [{ port: 53, protocol: "udp" }]);
  assert.deepEqual(
    parseContainerPorts("7-9/sctp").map((each) => each.port),
    [7, 8, 9],
  );
  for (const bad of ["", "0", "80/icmp", "9-7", "65536", "x", "80-", "-1"])
    assert.throws(() => parseContainerPorts(bad), /invalid (port specification|proto)/);
});

test("published ports are those with bindings, and with -P every exposed one that has none; the least free come first", () => {
  const requests = portRequests(
    {
      PortBindings: {
        "443/tcp": [{ HostPort: "8443" }],
        "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080-8090" }, { HostIp: "[::1]" }],
      },
      PublishAllPorts: true,
    },
    ["80/tcp", "9000-9001/udp"],
  );
  assert.deepEqual(requests, [
    { port: 443, protocol: "tcp", hostAddress: "", hostPorts: { first: 8443, last: 8443 } },
    { port: 80, protocol: "tcp", hostAddress: "127.0.0.1", hostPorts: { first: 8080, last: 8090 } },
    { port: 80, protocol: "tcp", hostAddress: "::1" },
    { port: 9000, protocol: "udp", hostAddress: "" },
    { port: 9001, protocol: "udp", hostAddress: "" },
  ]);
});

test("an address of the host is one whatever its spelling, and of IPv4 where IPv6 wraps it, as Go has it", () => {
  const spellings = {
    "::0": "::",
    "[0:0:0:0:0:0:0:0]": "::",
    "FD00:0::01": "fd00::1",
    "::ffff:127.0.0.1": "127.0.0.1",
    "::ffff:0.0.0.0": "0.0.0.0",
    "0.0.0.0": "0.0.0.0",
  };
  for (const [HostIp, address] of Object.entries(spellings)) {
    const [request] = portRequests({ PortBindings: { "80/tcp": [{ HostIp, HostPort: "80" }] } }, []);
    assert.equal(request?.hostAddress, address, HostIp);
  }
});
