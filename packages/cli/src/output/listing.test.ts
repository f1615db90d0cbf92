import assert from "node:assert/strict";
import { test } from "node:test";
import { CliError } from "../cli-error.ts";
import { formatListing } from "./listing.ts";
import type { Listing } from "./listing.ts";

interface Item {
  id: string;
  labels: Record<string, string>;
}
const listing: Listing<Item> = {
  headings: { Name: "NAME", ID: "ITEM ID" },
  table: "{{.ID}}\t{{.Name}}",
  quiet: "{{.ID}}",
  row: ({ id, labels }) => ({ ID: id, Name: `name of ${id}`, Label: (name: unknown) => labels[String(name)] ?? "" }),
};
const items = [
  { id: "a", labels: { "com.example.disk-type": "ssd" } },
  { id: "b", labels: {} },
];
const format = (given: string | undefined, quiet = false): string => formatListing(listing, items, { format: given, quiet });

test("without a format it is a table with a heading", () => {
  assert.equal(format(undefined), "ITEM ID   NAME\na         name of a\nb         name of b\n");
});

test("an empty list still has its heading", () => {
  assert.equal(formatListing(listing, [], { format: undefined, quiet: false }), "ITEM ID   NAME\n");
});

test("a table with a template takes its heading from the placeholders", () => {
  assert.equal(
    format('table {{upper .Name}}\\t{{.Label "com.example.disk-type"}}'),
    "NAME        disk type\nNAME OF A   ssd\nNAME OF B   \n",
  );
});

test("a template makes a line for each, JSON lists placeholders by name, quiet prints ids", () => {
  assert.equal(format("{{.Name}}!"), "name of a!\nname of b!\n");
  assert.equal(format("json").split("\n")[0], '{"ID":"a","Name":"name of a"}');
  assert.equal(format(undefined, true), "a\nb\n");
});

test("an unknown placeholder is an error that names those that exist", () => {
  assert.throws(
    () => format("{{.Nope}}"),
    (error: unknown) => error instanceof CliError && /Nope/.test(error.message) && error.hint === "Placeholders here: .ID .Name",
  );
});
