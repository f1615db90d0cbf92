/** Plants one violation per rule in a copy of the package layout and fails unless the dependency checker names each. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

const planted: { rule: string; file: string; source: string }[] = [
  { rule: "errors-imports", file: "packages/errors/src/index.ts", source: 'export * from "../../oci/src/index.ts";' },
  { rule: "engine-imports", file: "packages/engine/src/index.ts", source: 'export * from "../../http-server/src/index.ts";' },
  { rule: "cli-imports", file: "packages/cli/src/index.ts", source: 'export * from "../../engine/src/index.ts";' },
  { rule: "index-only", file: "packages/http-server/src/index.ts", source: 'export * from "../../engine/src/inner.ts";' },
  { rule: "files-imports", file: "packages/files/src/index.ts", source: 'export * from "../../engine/src/index.ts";' },
  {
    rule: "containers-files-through-workers",
    file: "packages/engine/src/containers/archive/pack.ts",
    source: 'export { readFileSync } from "node:fs";',
  },
  {
    rule: "plugins-import-the-sdk-only",
    file: "hookplugins/x/index.ts",
    source: 'export * from "../../packages/engine/src/index.ts";',
  },
  {
    rule: "grpc-only-in-containerd-and-cri",
    file: "packages/api/src/index.ts",
    source: 'export { create } from "@bufbuild/protobuf";',
  },
  { rule: "cel-only-in-policies", file: "packages/cri/src/index.ts", source: 'export { run } from "@bufbuild/cel";' },
  { rule: "no-cycles", file: "packages/oci/src/index.ts", source: 'export { b } from "./b.ts"; export const a = 1;' },
];

const supporting: [string, string][] = [
  ["packages/oci/src/b.ts", 'export { a } from "./index.ts"; export const b = 1;'],
  ["packages/engine/src/inner.ts", "export const inner = 1;"],
];

const directory = mkdtempSync(join(tmpdir(), "pouch-planted-"));
try {
  for (const [file, source] of [...planted.map((p): [string, string] => [p.file, p.source]), ...supporting]) {
    mkdirSync(join(directory, dirname(file)), { recursive: true });
    writeFileSync(join(directory, file), `${source}\n`);
  }
  writeFileSync(
    join(directory, "package.json"),
    '{ "type": "module", "dependencies": { "@bufbuild/protobuf": "*", "@bufbuild/cel": "*" } }\n',
  );
  cpSync(join(root, "dependency-rules.cjs"), join(directory, "dependency-rules.cjs"));
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));

  const args = ["--config", "dependency-rules.cjs", "--output-type", "json", "packages", "hookplugins"];
  const run = spawnSync(join(root, "node_modules/.bin/depcruise"), args, {
    cwd: directory,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  const report = JSON.parse(run.stdout) as { summary: { violations: { rule: { name: string }; from: string }[] } };
  const missed = planted.filter(
    ({ rule, file }) => !report.summary.violations.some((v) => v.rule.name === rule && dirname(v.from) === dirname(file)),
  );
  if (missed.length > 0) {
    for (const { rule, file } of missed) console.error(`planted violation not caught: ${rule} in ${file}`);
    process.exitCode = 1;
  } else {
    console.error(`check: ${planted.length} planted violations caught`);
  }
} finally {
  rmSync(directory, { recursive: true });
}
