import assert from "node:assert/strict";
import { test } from "node:test";
import { Container } from "./container.ts";
import { ContainerRegistry } from "./container-registry.ts";
import { madeUpName } from "./container-names.ts";
import { sampleRecord } from "./spec/sample-record.ts";

const deps = {
  records: { get: () => undefined, values: () => [].values(), put: () => Promise.resolve(), delete: () => Promise.resolve() },
  roots: { containers: "/home", exec: "/run" },
  log: { info: () => undefined, warn: () => undefined, error: () => undefined },
};

function registryWith(...containers: [id: string, name: string][]): ContainerRegistry {
  const registry = new ContainerRegistry();
  for (const [id, name] of containers) {
    registry.reserveName(name, id);
    registry.add(new Container({ ...sampleRecord(), id, name }, deps));
  }
  return registry;
}

const [first, second] = [`abc1${"0".repeat(60)}`, `abc2${"0".repeat(60)}`];

test("a container is found by id, name with or without slash, and the beginning of an id only it has", () => {
  const registry = registryWith([first, "web"], [second, "db"]);
  for (const ref of [first, "web", "/web", "abc1"]) assert.equal(registry.require(ref).id, first);
  assert.throws(() => registry.require("abc"), /multiple IDs found with provided prefix: abc/);
  assert.throws(() => registry.require("none"), /^EngineError: No such container: none$/);
});

test("a name wins over the beginning of another's id", () => {
  assert.equal(registryWith([first, "abc2"], [second, "db"]).require("abc2").id, first);
});

test("a linked container is found by what its owner calls it, and its names are told", async () => {
  const registry = registryWith([first, "web"], [second, "db"]);
  await registry.require("web").change({ links: [{ id: second, name: "db", alias: "database" }] });
  for (const ref of ["web/database", "/web/database"]) assert.equal(registry.require(ref).id, second);
  assert.deepEqual([...registry.linkNames()], [[second, ["/web/database"]]]);
  assert.throws(() => registry.require("web/db"), /No such container: web\/db/);
  assert.throws(() => registry.require("db/database"), /No such container/);
  registry.remove(registry.require("db"));
  assert.throws(() => registry.require("web/database"), /No such container: web\/database/);
});

test("a taken name is refused in Docker's words and free again afterwards", () => {
  const registry = registryWith([first, "web"]);
  assert.throws(
    () => registry.reserveName("web", second),
    new RegExp(`Conflict. The container name "/web" is already in use by container "${first}". You have to remove`),
  );
  registry.remove(registry.require("web"));
  registry.reserveName("web", second);
});

test("a made up name is one nobody has and Docker allows", () => {
  assert.match(madeUpName(new ContainerRegistry()), /^[a-z]+_[a-z]+$/);
  const taken = { isNameFree: (name: string) => /\d/.test(name) };
  assert.match(madeUpName(taken), /\d+$/);
});

test("the beginning of an id stands for it where it is one container's alone", () => {
  const registry = registryWith([first, "web"], [second, "db"]);
  assert.equal(registry.idOfPrefix("abc1"), first);
  assert.equal(registry.idOfPrefix("abc"), undefined);
  assert.equal(registry.idOfPrefix("web"), undefined);
  assert.equal(registry.idOfPrefix(""), undefined);
});
