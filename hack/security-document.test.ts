import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

test("SECURITY.md names only tests and rooms that are there", () => {
  const page = readFileSync(join(root, "SECURITY.md"), "utf8");
  const paths = [...page.matchAll(/`((?:conformance|hack|integration|packages)\/[^`\s]*)`/g)].map(([, path = ""]) => path);
  assert.ok(paths.length > 15);
  assert.deepEqual(
    paths.filter((path) => !existsSync(join(root, path))),
    [],
  );
});
