import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ContainerCreateConfig,
  ContainerPruneResponse,
  decodeBody,
  EndpointSettings,
  ExecStartConfig,
  FilesystemChange,
  Health,
  NetworkCreateConfig,
  validate,
} from "./index.ts";

const messageOf = (run: () => unknown): string => {
  try {
    run();
  } catch (thrown) {
    assert.ok(isKind(thrown, "invalidArgument"));
    return thrown.message;
  }
  throw new Error("nothing was refused");
};

test("a wrong type is refused with its path, what is wanted and what came", () => {
  const message = messageOf(() => decodeBody(ContainerCreateConfig, { HostConfig: { Memory: "lots" } }));
  assert.equal(message, 'HostConfig.Memory must be an integer, got "lots"');
});

test("the largest integers are those of Go, and what is read of them Go can read", () => {
  const read = (text: string) => decodeBody(ContainerCreateConfig, JSON.parse(`{"StopTimeout":${text}}`)).StopTimeout;
  assert.equal(JSON.stringify(read("9223372036854775807")), "9223372036854775000");
  assert.equal(read("-9223372036854775808"), -(2 ** 63));
  assert.match(
    messageOf(() => read("9223372036854777000")),
    /^StopTimeout must be an integer, got 92233720368547\d+/,
  );
});

test("a fraction is no integer, and a negative number no uint", () => {
  const message = messageOf(() => decodeBody(ContainerCreateConfig, { HostConfig: { Memory: 1.5, BlkioWeight: -1 } }));
  assert.equal(
    message,
    "HostConfig.Memory must be an integer, got 1.5; HostConfig.BlkioWeight must be an integer not below 0, got -1",
  );
});

test("paths name list items and keys that are no plain words", () => {
  const bindings = { "80/tcp": [{ HostPort: "1" }, { HostPort: 8080 }] };
  const message = messageOf(() => decodeBody(ContainerCreateConfig, { HostConfig: { PortBindings: bindings } }));
  assert.equal(message, 'HostConfig.PortBindings["80/tcp"][1].HostPort must be a string, got 8080');
});

test("a body that is no object is named as the body", () => {
  assert.equal(
    messageOf(() => decodeBody(ContainerCreateConfig, [])),
    "body must be an object, got a list",
  );
  assert.equal(
    messageOf(() => decodeBody(ContainerCreateConfig, "x", { subject: "config" })),
    'config must be an object, got "x"',
  );
});

test("more than three problems are counted", () => {
  const message = messageOf(() => decodeBody(ContainerCreateConfig, { Tty: 1, Image: 2, User: 3, Env: 4, Cmd: 5 }));
  assert.match(message, /^Tty must be true or false, got 1; .*; User must be a string, got 3, and 2 more$/);
});

test("unknown fields are dropped and null is absent", () => {
  const config = decodeBody(ContainerCreateConfig, { Image: "a", Foo: 1, Env: null, HostConfig: null });
  assert.deepEqual(config, { Image: "a", HostConfig: {} });
});

test("null inside a map or a list is the zero value", () => {
  const config = decodeBody(ContainerCreateConfig, {
    Labels: { a: null },
    Env: [null],
    NetworkingConfig: { EndpointsConfig: { net: null } },
  });
  assert.deepEqual(config, {
    Labels: { a: "" },
    Env: [""],
    NetworkingConfig: { EndpointsConfig: { net: {} } },
    HostConfig: {},
  });
});

test("names match in any case, the exact one wins wherever it stands", () => {
  assert.equal(decodeBody(ContainerCreateConfig, { image: "a" }).Image, "a");
  assert.equal(decodeBody(ContainerCreateConfig, { Image: "b", image: "a" }).Image, "b");
  assert.equal(decodeBody(ContainerCreateConfig, { image: "a", Image: "b" }).Image, "b");
  assert.equal(decodeBody(ContainerCreateConfig, { HostConfig: { NanoCPUs: 5 } }).HostConfig.NanoCpus, 5);
});

test("a command may be one string", () => {
  const config = decodeBody(ContainerCreateConfig, { Cmd: "ls -l", Entrypoint: ["sh"] });
  assert.deepEqual(config.Cmd, ["ls -l"]);
  assert.deepEqual(config.Entrypoint, ["sh"]);
});

test("a missing field is named", () => {
  assert.equal(
    messageOf(() => decodeBody(NetworkCreateConfig, {})),
    "Name is missing",
  );
});

test("a console size has two numbers", () => {
  assert.equal(
    messageOf(() => decodeBody(ExecStartConfig, { ConsoleSize: [1] })),
    "ConsoleSize must have 2 items, has 1",
  );
  assert.equal(
    messageOf(() => decodeBody(ExecStartConfig, { ConsoleSize: [1, 2, 3] })),
    "ConsoleSize must have at most 2 items, has 3",
  );
});

test("words and constants are checked", () => {
  const health = { Status: "fine", FailingStreak: 0, Log: [] };
  assert.equal(
    messageOf(() => decodeBody(Health, health)),
    'Status must be one of "none", "starting", "healthy", "unhealthy", got "fine"',
  );
  assert.deepEqual(validate(FilesystemChange, { Kind: 2, Path: "/" }), []);
  assert.equal(validate(FilesystemChange, { Kind: 3, Path: "/" }).length, 1);
});

test("validate accepts null where an answer may have it and reports problems below it", () => {
  assert.deepEqual(validate(EndpointSettings, { IPAMConfig: null }), []);
  assert.deepEqual(validate(EndpointSettings, { IPAMConfig: { IPv4Address: 4 } }), [
    { path: "IPAMConfig.IPv4Address", message: "must be a string, got 4" },
  ]);
});

test("a key named __proto__ is an ordinary label", () => {
  const body: unknown = JSON.parse('{"Labels":{"__proto__":"x"}}');
  const labels = decodeBody(ContainerCreateConfig, body).Labels ?? {};
  assert.deepEqual(Object.entries(labels), [["__proto__", "x"]]);
});

test("half a surrogate pair is what Go's decoder makes of it", () => {
  const body: unknown = JSON.parse('{"Hostname":"a\\ud800","Labels":{"\\udc00":"\\ud83d\\ude00"}}');
  const { Hostname, Labels } = decodeBody(ContainerCreateConfig, body);
  assert.deepEqual([Hostname, Labels], ["a\ufffd", { "\ufffd": "\u{1f600}" }]);
});

test("the input is left alone", () => {
  const body = { HostConfig: { Memory: 5 }, image: "x" };
  const decoded = decodeBody(ContainerCreateConfig, body);
  decoded.HostConfig.Memory = 6;
  assert.deepEqual(body, { HostConfig: { Memory: 5 }, image: "x" });
});

test("a field that may be null and has to be there is null when it was left out", () => {
  assert.deepEqual(decodeBody(ContainerPruneResponse, { SpaceReclaimed: 0 }), { ContainersDeleted: null, SpaceReclaimed: 0 });
});
