import assert from "node:assert/strict";
import { test } from "node:test";
import { readPorts } from "./ports.ts";

const bindings = (...specs: string[]) => readPorts(specs, []).bindings;

test("every form of --publish is read", () => {
  assert.deepEqual(bindings("80"), { "80/tcp": [{ HostIp: "", HostPort: "" }] });
  assert.deepEqual(bindings("8080:80"), { "80/tcp": [{ HostIp: "", HostPort: "8080" }] });
  assert.deepEqual(bindings("127.0.0.1:8080:80/udp"), { "80/udp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] });
  assert.deepEqual(bindings("127.0.0.1::80"), { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] });
  assert.deepEqual(bindings("[::1]:8080:80"), { "80/tcp": [{ HostIp: "::1", HostPort: "8080" }] });
  assert.deepEqual(bindings("8000-8001:80-81"), {
    "80/tcp": [{ HostIp: "", HostPort: "8000" }],
    "81/tcp": [{ HostIp: "", HostPort: "8001" }],
  });
  assert.deepEqual(bindings("8000-8009:80"), { "80/tcp": [{ HostIp: "", HostPort: "8000-8009" }] });
  assert.deepEqual(bindings("1:80", "2:80"), {
    "80/tcp": [
      { HostIp: "", HostPort: "1" },
      { HostIp: "", HostPort: "2" },
    ],
  });
});

test("published and exposed ports are exposed", () => {
  assert.deepEqual(Object.keys(readPorts(["1:80"], ["53/udp", "90-91"]).exposed), ["80/tcp", "53/udp", "90/tcp", "91/tcp"]);
});

for (const [spec, reason] of [
  ["x:80", /invalid hostPort: x/],
  ["80:70000", /invalid containerPort: 70000/],
  ["1:2:3:4", /write \[host-ip:\]/],
  ["host:80:80", /invalid IP address: host/],
  ["80/foo", /invalid proto: foo/],
  ["80-81:80-82", /invalid ranges/],
] as const) {
  test(`--publish ${spec} is refused`, () => {
    assert.throws(() => bindings(spec), reason);
  });
}
