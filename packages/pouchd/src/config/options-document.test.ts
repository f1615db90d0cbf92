import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { optionsDocument } from "./options-document.ts";

/** Run with POUCH_UPDATE_DOCS=1 to write the table anew. */
test("docs/operations.md has the options as the daemon has them", () => {
  const file = join(import.meta.dirname, "../../../../docs/operations.md");
  const [begin, end] = ["<!-- options -->\n", "<!-- /options -->"];
  const text = readFileSync(file, "utf8");
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  assert.ok(text.includes(begin) && to >= from, "docs/operations.md has lost its markers");
  if (process.env["POUCH_UPDATE_DOCS"]) writeFileSync(file, text.slice(0, from) + optionsDocument() + text.slice(to));
  assert.equal(readFileSync(file, "utf8").slice(from, from + optionsDocument().length), optionsDocument());
});
