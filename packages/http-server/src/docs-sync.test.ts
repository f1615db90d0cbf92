import { endpoints, type Endpoint } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const page = await readFile(new URL("../../../docs/api-differences.md", import.meta.url), "utf8");
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
  const known = new Set(Object.values(endpoints).map(({ method, path }) => `${method} ${path}`));
  assert.ok(named.length > 20);
  for (const route of named) assert.ok(known.has(route), route);
});
