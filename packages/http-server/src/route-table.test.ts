import { endpoints, extensionEndpoints, type HandlerSpec } from "@pouchcontainer/api";
import { pluginAdminRoutes } from "@pouchcontainer/engine";
import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointHandlers, routeTable } from "./route-table.ts";
import { compileRouter } from "./router.ts";
import { fakeBackend } from "./testing/fake-backend.ts";

const never = new AbortController().signal;
const handlers = endpointHandlers({
  backend: fakeBackend({}),
  lifetime: { closing: never, expired: never, takenOver: new Set(), allRead: () => true },
  version: "1.2.3",
  served: () => [],
});

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

test("the plugin host's routes for operators are in the catalogue, and none is there that it does not have", () => {
  // Its dependencies are not touched before a request comes.
  const routes = pluginAdminRoutes({} as Parameters<typeof pluginAdminRoutes>[0]).map(({ method, path }) => `${method} ${path}`);
  const { Metrics: _metrics, ...admin } = extensionEndpoints;
  assert.deepEqual(
    routes.toSorted(),
    Object.values(admin)
      .map(({ method, path }) => `${method} ${path}`)
      .toSorted(),
  );
});
