import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { guideTable, protocolTable } from "../points-document.ts";
import { protocolSchemaDocument } from "./protocol-schema.ts";

const root = resolve(import.meta.dirname, "../../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** Run with POUCH_UPDATE_DOCS=1 to write schemas and tables anew. */
const isUpdate = Boolean(process.env["POUCH_UPDATE_DOCS"]);

test("the published schemas are those in the code", () => {
  const path = "docs/plugin-protocol.schema.json";
  if (isUpdate) writeFileSync(join(root, path), protocolSchemaDocument());
  assert.deepEqual(JSON.parse(read(path)), JSON.parse(protocolSchemaDocument()));
});

for (const [path, table] of [
  ["docs/plugin-protocol.md", protocolTable()],
  ["docs/plugin-guide.md", guideTable()],
] as const)
  test(`${path} has the points as the table has them`, () => {
    const [begin, end] = ["<!-- points -->\n", "<!-- /points -->"];
    const text = read(path);
    const from = text.indexOf(begin) + begin.length;
    assert.ok(text.includes(begin) && text.indexOf(end) >= from, `${path} has lost its markers`);
    if (isUpdate) writeFileSync(join(root, path), text.slice(0, from) + table + text.slice(text.indexOf(end)));
    assert.equal(read(path).slice(from, read(path).indexOf(end)), table);
  });

test("the files in the guide are those of the example", () => {
  const files = [...read("docs/plugin-guide.md").matchAll(/<!-- file: (\S+) -->\n```\w+\n(.*?)```/gs)];
  assert.equal(files.length, 3);
  for (const [, path, content] of files) {
    const example = read(`hookplugins/${path}`);
    if (path?.endsWith(".json") === true) assert.deepEqual(JSON.parse(content ?? ""), JSON.parse(example));
    else assert.equal(content, example);
  }
});
