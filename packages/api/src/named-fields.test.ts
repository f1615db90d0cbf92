import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { namedFields } from "./named-fields.ts";
import { ContainerCreateConfig } from "./schemas.ts";

test("fields get the names they are read by, and what is no field is dropped; values stay as they are", () => {
  const value = {
    image: "a",
    Foo: 1,
    Cmd: null,
    Labels: { Foo: "x", foo: "y" },
    HOSTCONFIG: {
      privileged: "soon",
      Memory: 1,
      Mounts: [{ type: "bind", x: 1 }],
      portbindings: { "80/tcp": [{ hostport: "1" }] },
    },
    NetworkingConfig: { EndpointsConfig: { Net: { aliases: ["x"] } } },
  };
  const before = structuredClone(value);
  assert.deepEqual(namedFields(ContainerCreateConfig, value), {
    Image: "a",
    Cmd: null,
    Labels: { Foo: "x", foo: "y" },
    HostConfig: { Privileged: "soon", Memory: 1, Mounts: [{ Type: "bind" }], PortBindings: { "80/tcp": [{ HostPort: "1" }] } },
    NetworkingConfig: { EndpointsConfig: { Net: { Aliases: ["x"] } } },
  });
  assert.deepEqual(value, before);
});

test("keys that every object has by itself are those of a map, and no fields", () => {
  const value: unknown = JSON.parse('{"constructor":1,"__proto__":2,"Labels":{"__proto__":"x","constructor":"y"}}');
  const named = namedFields(ContainerCreateConfig, value);
  assert.equal(JSON.stringify(named), '{"Labels":{"__proto__":"x","constructor":"y"}}');
});

test("one field under two names is refused", () => {
  for (const [value, words] of [
    [
      { HostConfig: { Privileged: true, privileged: false } },
      /^HostConfig\.Privileged and HostConfig\.privileged are the same field/,
    ],
    [{ image: "a", IMAGE: "b" }, /^image and IMAGE are/],
    [
      { HostConfig: { Mounts: [{ Type: "bind", type: "volume" }] } },
      /^HostConfig\.Mounts\[0\]\.Type and HostConfig\.Mounts\[0\]\.type are/,
    ],
  ] as const)
    assert.throws(
      () => namedFields(ContainerCreateConfig, value),
      (error: unknown) => isKind(error, "invalidArgument") && words.test(error.message),
    );
});
