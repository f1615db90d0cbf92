import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { authorsStack } from "./authors-stack.ts";
import { importModule } from "./import-module.ts";

/** The author's stack of what the package's import throws. */
async function thrownBy(t: TestContext, files: Record<string, string>, main = "index.js"): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pouch-import-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const all = { "package.json": '{"type":"module"}', ...files };
  for (const [path, content] of Object.entries(all)) writeFileSync(join(folder, path), content);
  symlinkSync(folder, join(folder, "here"));
  const thrown: unknown = await importModule(join(folder, "here"), main).then(
    () => assert.fail("it was imported"),
    (error: unknown) => error,
  );
  return (authorsStack(thrown) ?? "").replaceAll(folder, "FOLDER");
}

const broken = "export const a = 1;\n\nexport const b = [;\n";

for (const [what, files, main] of [
  ["the module", { "index.js": broken }, "index.js"],
  ["a module that it imports", { "index.js": 'import { b } from "./b.js";\nb();\n', "b.js": broken }, "index.js"],
  ["a module in TypeScript", { "index.ts": broken }, "index.ts"],
  ["a CommonJS module", { "index.cjs": broken.replaceAll("export ", "") }, "index.cjs"],
] as const)
  test(`an error of syntax in ${what} has its file and line`, async (t) => {
    const stack = await thrownBy(t, files, main);
    const file = Object.keys(files).at(-1)?.replace(".", "\\.");
    assert.match(stack, new RegExp(`^(file://)?FOLDER/${file}:3\n[^]*= \\[;\n[^]*SyntaxError`));
    assert.doesNotMatch(stack, /^\s+at /m);
  });

test("an error of syntax that the plugin's code throws keeps its own place", async (t) => {
  const stack = await thrownBy(t, { "index.js": '\nJSON.parse("{");\n', "other.js": broken });
  assert.match(stack, /^SyntaxError: [^]*index\.js:2:6/);
});
