import type { ContainerCreateConfig, HandlerSpec } from "@pouchcontainer/api";
import { EngineError, forbidden } from "@pouchcontainer/errors";
import { sampleEndpoint } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { body, harness } from "./host-harness.ts";

/** A trap or a getter of a plugin in this process. */
const throwing = (words: string) => (): never => {
  throw new Error(words);
};

function endless(): object {
  const proxy: object = new Proxy(
    {},
    {
      ownKeys: () => ["a"],
      getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: proxy }),
      get: () => proxy,
    },
  );
  return proxy;
}

/** What a plugin does to its draft, returns or throws, and the words its failure ends with. */
const garbage: Record<string, [(config: ContainerCreateConfig) => unknown, RegExp]> = {
  "a draft that contains itself": [(config) => void Object.assign(config, { self: config }), /contains itself$/],
  "a draft without an end": [(config) => void Object.assign(config, { Labels: endless() }), /contains itself$/],
  "an answer without an end": [endless, /contains itself$/],
  "a getter that throws": [
    (config) => void Object.defineProperty(config, "Zork", { enumerable: true, get: throwing("getthrow") }),
    /: getthrow$/,
  ],
  "a proxy whose traps throw, returned": [() => new Proxy({}, { ownKeys: throwing("trap"), get: throwing("trap") }), /: trap$/],
  "a proxy whose traps throw, thrown": [
    () => {
      throw new Proxy(new Error("x"), { get: throwing("trap"), getPrototypeOf: throwing("trap"), has: throwing("trap") });
    },
    /an error that cannot be read$/,
  ],
  "an error whose members throw": [
    () => {
      const error = new Error("m");
      for (const name of ["name", "message", "stack", "cause"]) Object.defineProperty(error, name, { get: throwing(name) });
      throw error;
    },
    /an error that cannot be read$/,
  ],
  "an error that is caused by itself": [
    () => {
      const error = forbidden("not today", { details: { self: {} } });
      Object.assign(error.details, { self: error.details });
      throw Object.assign(error, { cause: error });
    },
    /an error that cannot be read$/,
  ],
};

for (const [what, [preCreate, words]] of Object.entries(garbage)) {
  test(`${what} is the failure of the plugin it is of: named, traced, counted, ignored by policy`, async () => {
    const { host, add } = harness();
    // What the plugin returns is no body, which is what this is about.
    add("evil", "container", { preCreate: preCreate as () => undefined });
    await assert.rejects(host.preCreate(body(), { containerId: "c" }), (error) => {
      assert.ok(error instanceof EngineError);
      assert.match(error.message, /^plugin "evil" at container.preCreate: /);
      assert.match(error.message, words);
      return true;
    });
    const [call] = host.trace.ofContainer("c");
    assert.deepEqual([call?.plugin, call?.outcome], ["evil", "failed"]);
    assert.match(call?.error ?? "", words);
    for (let more = 0; more < 10; more += 1) await assert.rejects(host.preCreate(body(), {}));
    await assert.rejects(host.preCreate(body(), {}), /circuit/);

    const lenient = harness();
    lenient.add("evil", "container", { preCreate: preCreate as () => undefined }, { failurePolicy: "ignore" });
    assert.deepEqual(await lenient.host.preCreate(body(), {}), body());
  });
}

test("a secret that a plugin took out of its draft is masked in what it says of it", async () => {
  const { host, add } = harness();
  add("evil", "container", {
    preCreate: (config) => {
      const [secret = ""] = config.Env ?? [];
      config.Env = [];
      throw new Error(`look: ${secret}`);
    },
  });
  await assert.rejects(host.preCreate(body({ Env: ["TOKEN=canary4242"] }), {}), /look: TOKEN=\*\*\*$/);
});

test("a field that must stay is the same when it is looked at and when it is taken", async () => {
  const { host, add } = harness();
  add("evil", "container", {
    preCreateEndpoint: (_id, _env, endpoint) => {
      const { driver } = endpoint;
      let looks = 0;
      const get = (): string => ((looks += 1) > 1 ? "stolen" : driver);
      return Object.defineProperty({ ...endpoint }, "driver", { enumerable: true, get });
    },
  });
  const endpoint = sampleEndpoint();
  assert.equal((await host.preCreateEndpoint("c1", [], endpoint, {})).driver, endpoint.driver);
});

test("what the handler of a plugin's route throws can be read", async () => {
  const { host, add } = harness();
  const handler = (): never => {
    throw new Proxy(new Error("x"), { get: throwing("trap"), getPrototypeOf: throwing("trap") });
  };
  add("evil", "api", { updateHandler: (handlers: HandlerSpec[]) => [...handlers, { method: "GET", path: "/evil", handler }] });
  const [route] = await host.updateHandlers([]);
  // Neither is looked at.
  const [request, response] = [{} as IncomingMessage, {} as ServerResponse];
  await assert.rejects(
    async () => route?.handler(request, response, {}),
    (error) => error instanceof EngineError && error.message === "an error that cannot be read",
  );
});
