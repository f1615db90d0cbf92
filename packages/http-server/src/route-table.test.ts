import { endpoints, type HandlerSpec } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointHandlers, routeTable } from "./route-table.ts";
import { compileRouter } from "./router.ts";
import { fakeBackend } from "./testing/fake-backend.ts";

const never = new AbortController().signal;
const handlers = endpointHandlers(fakeBackend({}), { closing: never, expired: never, takenOver: new Set() }, "1.2.3");

test("the catalogue and the handlers name the same operations", () => {
  assert.deepEqual(Object.keys(handlers).toSorted(), Object.keys(endpoints).toSorted());
});

test("every endpoint of the catalogue is reached by its method and path", () => {
  const table = routeTable(handlers);
  const find = compileRouter(table);
  for (const { method, path, handler } of table) {
    const example = path.replaceAll(/\{\w+\}/g, "x").replaceAll(/\{\w+\.\.\.\}/g, "x/y");
    assert.equal(find(method, example)?.handler, handler, `${method} ${path}`);
  }
});

test("every route of the table is in the catalogue", () => {
  const known = new Set(Object.values(endpoints).map(({ method, path }) => `${method} ${path}`));
  const routes = routeTable(handlers).map(({ method, path }: HandlerSpec) => `${method} ${path}`);
  assert.deepEqual(routes.toSorted(), [...known].toSorted());
});
