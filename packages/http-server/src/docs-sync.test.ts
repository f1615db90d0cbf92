import { endpoints, extensionEndpoints, type Endpoint } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const page = await readFile(new URL("../../../docs/api-differences.md", import.meta.url), "utf8");
const routesOf = (catalogue: Record<string, Endpoint>): string[] =>
  Object.values(catalogue).map(({ method, path }) => `${method} ${path}`);
const named = [...page.matchAll(/`((?:GET|HEAD|POST|PUT|DELETE) \/[^`?]*)`/g)].map(([, route = ""]) => route);

test("the page on differences names every route that is not supported, and no other as such", () => {
  const table = page.slice(page.indexOf("| route |"), page.indexOf("Everything else"));
  const unsupported = Object.values<Endpoint>(endpoints)
    .filter((endpoint) => endpoint.unsupported)
    .map(({ method, path }) => `${method} ${path}`);
  for (const route of unsupported) assert.ok(table.includes(`\`${route}\``), route);
  const firstCells = table.split("\n").map((line) => line.split("|")[1] ?? "");
  const listed = firstCells.flatMap((cell) => [...cell.matchAll(/`([A-Z]+ [^`?]*)`/g)].map(([, route = ""]) => route));
  assert.deepEqual(listed.toSorted(), unsupported.toSorted());
});

test("every route the page names is in the catalogue", () => {
  const known = new Set(routesOf({ ...endpoints, ...extensionEndpoints }));
  assert.ok(named.length > 20);
  for (const route of named) assert.ok(known.has(route), route);
});

test("the page names every route that Docker has no like of", () => {
  for (const route of routesOf(extensionEndpoints)) assert.ok(named.includes(route), route);
});
