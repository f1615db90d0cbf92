import assert from "node:assert/strict";
import { test } from "node:test";
import { endpoints } from "./catalogue.ts";
import type { Endpoint } from "./endpoint.ts";
import { extensionEndpoints } from "./extension-endpoints.ts";
import { engineApiDocument, namedSchemas } from "./engine-api-document.ts";

/** The parts of an OpenAPI document these tests look at. */
interface Document {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string; parameters: { name: string; in: string }[] }>>;
  components: { schemas: Record<string, { properties?: Record<string, unknown>; required?: string[] }> };
}

// A round trip through JSON, as a client gets it; its shape is what the test is about.
const document = JSON.parse(JSON.stringify(engineApiDocument("1.2.3"))) as Document;

test("every endpoint is an operation of the document", () => {
  const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map((operation) => operation.operationId));
  assert.deepEqual(ids.toSorted(), [...Object.keys(endpoints), ...Object.keys(extensionEndpoints)].toSorted());
});

test("every reference of the document leads to a schema", () => {
  const names = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name ?? "");
  assert.ok(names.length > 100);
  for (const name of names) assert.ok(name in document.components.schemas, name);
});

test("named schemas are referred to, not repeated", () => {
  const inspect = document.components.schemas["ContainerInspect"]?.properties ?? {};
  assert.deepEqual(inspect["HostConfig"], { $ref: "#/components/schemas/HostConfig" });
  const endpoint = document.components.schemas["EndpointSettings"]?.properties ?? {};
  assert.deepEqual(endpoint["IPAMConfig"], { anyOf: [{ $ref: "#/components/schemas/EndpointIPAMConfig" }, { type: "null" }] });
});

test("no keyword of ours leaks into the document", () => {
  assert.doesNotMatch(JSON.stringify(document), /"x-|"~/);
});

test("path and query parameters are listed", () => {
  const parameters = document.paths["/images/{name}/json"]?.["get"]?.parameters.map(({ name, in: place }) => `${place} ${name}`);
  assert.deepEqual(parameters, ["path name", "query platform", "query manifests"]);
});

test("given the routes of a server, the document lists those alone, added ones included", () => {
  const served = [
    { method: "GET", path: "/info" },
    { method: "POST", path: "/team/{id}/hello" },
  ];
  const { paths } = JSON.parse(JSON.stringify(engineApiDocument("1", served))) as Document;
  assert.deepEqual(Object.keys(paths), ["/info", "/team/{id}/hello"]);
  assert.equal(paths["/info"]?.["get"]?.operationId, "SystemInfo");
  const added = paths["/team/{id}/hello"]?.["post"];
  assert.equal(added?.operationId, "postTeamIdHello");
  assert.deepEqual(
    added.parameters.map(({ name }) => name),
    ["id"],
  );
});

test("two endpoints never share a method and path", () => {
  const keys = Object.values<Endpoint>({ ...endpoints, ...extensionEndpoints }).map(({ method, path }) => `${method} ${path}`);
  assert.equal(new Set(keys).size, keys.length);
});

test("every named schema is a schema", () => {
  for (const [name, schema] of Object.entries(namedSchemas()))
    assert.ok("type" in schema || "anyOf" in schema || "enum" in schema, name);
});
