import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { pointNames } from "../points.ts";
import { protocolSchemaDocument } from "./protocol-schema.ts";
import { pointPath } from "./wire.ts";

const root = resolve(import.meta.dirname, "../../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

test("the published schemas are those in the code", () => {
  assert.deepEqual(JSON.parse(read("docs/plugin-protocol.schema.json")), JSON.parse(protocolSchemaDocument()));
});

test("the protocol's page and the guide name every point", () => {
  for (const point of pointNames) {
    assert.ok(read("docs/plugin-protocol.md").includes(pointPath(point)), pointPath(point));
    assert.ok(read("docs/plugin-guide.md").includes(`\`${point}\``), point);
  }
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
