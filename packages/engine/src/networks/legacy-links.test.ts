import { notFound } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkedContainer } from "./container-networks.ts";
import { linkEnvironment, linkHosts, type Neighbour } from "./legacy-links.ts";
import type { EndpointRecord } from "./sandbox-record.ts";

function container(name: string, change: Partial<NetworkedContainer> = {}): NetworkedContainer {
  return {
    id: name,
    name,
    hostname: `${name}host`,
    domainname: "",
    env: [],
    labels: {},
    image: "",
    macAddress: "",
    networkMode: "bridge",
    hostConfig: {},
    exposedPorts: [],
    links: [],
    endpoints: {},
    filesDirectory: "",
    ...change,
  };
}

// What a link reads of an endpoint.
const endpoint = { ipv4: { address: "172.17.0.2", prefixLength: 16 } } as EndpointRecord;

const db = container("db", {
  env: ["PATH=/x", "HOME=/h", "ZZ=1", "A=b=c", "NOVALUE"],
  exposedPorts: ["80/tcp", "53/udp", "53/tcp", "81/tcp", "82/tcp", "90/sctp", "7/tcp"],
});
const web = container("web", { links: [{ id: "db", name: "db", alias: "my-d.b" }] });

function find(neighbour: Partial<Neighbour> = {}) {
  return (ref: string): Neighbour => {
    if (ref !== "db") throw notFound(`No such container: ${ref}`);
    return { container: db, running: true, endpoint, ...neighbour };
  };
}

test("the variables of a link are dockerd's, in its order", () => {
  const port = (number: number, protocol: string) => [
    `MY_D.B_PORT_${number}_${protocol.toUpperCase()}=${protocol}://172.17.0.2:${number}`,
    `MY_D.B_PORT_${number}_${protocol.toUpperCase()}_ADDR=172.17.0.2`,
    `MY_D.B_PORT_${number}_${protocol.toUpperCase()}_PORT=${number}`,
    `MY_D.B_PORT_${number}_${protocol.toUpperCase()}_PROTO=${protocol}`,
  ];
  assert.deepEqual(linkEnvironment(web, find()), [
    "MY_D.B_PORT=tcp://172.17.0.2:7",
    "MY_D.B_PORT_80_TCP_START=tcp://172.17.0.2:80",
    "MY_D.B_PORT_80_TCP_ADDR=172.17.0.2",
    "MY_D.B_PORT_80_TCP_PROTO=tcp",
    "MY_D.B_PORT_80_TCP_PORT_START=80",
    "MY_D.B_PORT_80_TCP_END=tcp://172.17.0.2:82",
    "MY_D.B_PORT_80_TCP_PORT_END=82",
    ...port(7, "tcp"),
    ...port(53, "tcp"),
    ...port(53, "udp"),
    ...port(80, "tcp"),
    ...port(81, "tcp"),
    ...port(82, "tcp"),
    ...port(90, "sctp"),
    "MY_D.B_NAME=/web/my-d.b",
    "MY_D.B_ENV_A=b=c",
    "MY_D.B_ENV_ZZ=1",
  ]);
});

test("a neighbour that is gone by now has no variables, and no start goes on without it", () => {
  assert.deepEqual(linkEnvironment(web, find({ running: false })), []);
  assert.throws(() => linkHosts(web, find({ running: false })), {
    message: "Cannot link to a non running container: /db AS /web/my-d.b",
  });
  const removed = container("web", { links: [{ id: "gone", name: "old", alias: "x" }] });
  assert.deepEqual(linkEnvironment(removed, find()), []);
  assert.throws(() => linkHosts(removed, find()), { message: "Cannot link to a non running container: /old AS /web/x" });
  assert.throws(() => linkHosts(web, find({ endpoint: undefined })), {
    message: "Cannot link to /db, as it does not belong to the default network",
  });
});
