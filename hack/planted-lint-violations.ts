/** Plants violations of each rule in hack/lint-rules.ts, beside what looks like one and is right, and fails unless exactly those are found. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const room = "packages/engine/src/room";

const planted: { rule: string; source: string; file?: string }[] = [
  { rule: "unheard", source: 'import { spawn } from "node:child_process"; spawn("ls");' },
  { rule: "unheard", source: 'import { execFile } from "child_process"; execFile("ls");' },
  { rule: "unheard", source: 'import * as processes from "node:child_process"; processes.fork("x");' },
  { rule: "unheard", source: 'const { spawn } = await import("node:child_process"); spawn("ls");' },
  { rule: "unheard", source: 'process.getBuiltinModule("node:child_process").spawn("ls");' },
  { rule: "unheard", source: 'import { createSocket } from "node:dgram"; createSocket("udp4");' },
  { rule: "unheard", source: 'import { connect } from "node:net"; connect(80);' },
  { rule: "unheard", source: 'import net from "node:net"; net.createConnection(80);' },
  { rule: "unheard", source: 'import { createServer } from "node:http"; createServer();' },
  { rule: "no-bare-pipe", source: "export const join = (a: NodeJS.ReadableStream, b: NodeJS.WritableStream) => a.pipe(b);" },
  {
    rule: "hears-errors",
    source:
      'import type { Readable } from "node:stream"; export const all = (source: Readable) => new Promise<string>((resolve) => { let text = ""; source.on("data", (chunk) => (text += chunk)); source.on("end", () => resolve(text)); });',
  },
  { rule: "nothing-synchronous", source: 'import { gunzipSync } from "node:zlib"; gunzipSync("");' },
  {
    rule: "nothing-synchronous",
    file: "packages/engine/src/images/planted.ts",
    source: 'import { readFileSync } from "node:fs"; readFileSync("x");',
  },
  { rule: "no-void", source: "const work = async () => 1; void work();" },
  { rule: "no-void", source: "const work = async () => 1; export const later = () => setTimeout(() => void work(), 1);" },
  {
    rule: "no-foreign-pattern",
    source: "export const matches = (pattern: string, text: string) => new RegExp(pattern).test(text);",
  },
  { rule: "no-quadratic-pattern", source: 'export const cut = (path: string) => path.replace(/\\/+$/, "");' },
  { rule: "no-quadratic-pattern", source: "export const amounts = (text: string) => text.match(/([\\d\\]]+)(?:ms|s)/g);" },
  {
    rule: "no-inherited-member",
    source:
      "export const tag = (all: Record<string, Record<string, string>>, of: string) => { const tags = (all[of] ??= {}); tags.x = of; };",
  },
  {
    rule: "no-inherited-member",
    file: "packages/cli/src/planted-member.ts",
    source: "export const count = (all: Record<string, number[]>, of: string) => { all[`${of}/tcp`] ||= []; };",
  },
  {
    rule: "no-inherited-member",
    source: "export const put = (all: any, one: string, other: string) => { all[one][other] = 1; };",
  },
  { rule: "no-endless-mkdir", source: 'import { mkdirSync } from "node:fs"; mkdirSync("x", { recursive: true, mode: 0o700 });' },
  {
    rule: "no-endless-mkdir",
    file: "packages/cli/src/planted-folders.ts",
    source: 'import * as fs from "node:fs/promises"; await fs.mkdir("x", { recursive: true });',
  },
  {
    rule: "no-short-test-limit",
    file: "packages/engine/src/room/planted-limit.test.ts",
    source: 'import { test } from "node:test"; test("it ends", { timeout: 60_000 }, () => undefined);',
  },
  {
    rule: "no-fixed-subnet",
    file: "integration/planted-subnet.test.ts",
    source: 'export const IPAM = { Config: [{ Subnet: "10.231.0.0/24" }] };',
  },
  {
    rule: "no-fixed-subnet",
    file: "conformance/planted-prefix.test.ts",
    source: "export const front = `10.214.${process.pid % 250}`;",
  },
  {
    rule: "no-fixed-subnet",
    file: "benchmarks/harness/planted-subnet6.ts",
    source: "export const pods = (number: number) => `fd00:${number}::/64`;",
  },
  {
    rule: "no-fixed-name",
    file: "integration/planted-bridge.test.ts",
    source: 'export const flags = [["--bridge-name", "pnever0"]].flat();',
  },
  {
    rule: "no-fixed-name",
    file: "integration/planted-link.test.ts",
    source:
      'import { execFileSync } from "node:child_process"; execFileSync("ip", ["-n", "x", "link", "add", "veth7", "type", "veth"]);',
  },
];

const right: { source: string; file?: string }[] = [
  { source: 'export const cut = (path: string) => path.replace(/(?<!\\/)\\/+$/, "").replace(/^\\s+x/, "");' },
  { source: "export const words = (text: string) => [...text.split(/\\s+/), ...text.matchAll(/(\\d+)(ms|s)/gy)];" },
  { source: 'export const lines = new RegExp("^a$", "m");' },
  {
    source:
      'export const fill = (one: Record<string, string>, key: string) => { one["of"] ??= ""; one.at ||= ""; one[key] = ""; };',
  },
  { source: 'import type { ChildProcess } from "node:child_process"; export type Child = ChildProcess;' },
  {
    source:
      'import { type Socket, isIP } from "node:net"; export const check = (socket: Socket) => isIP(socket.remoteAddress ?? "");',
  },
  { source: 'import http from "node:http"; export const ask = () => http.request("http://x");' },
  { source: 'import { readFileSync } from "node:fs"; readFileSync("/proc/self/mountinfo");' },
  {
    source:
      'import type { Readable } from "node:stream"; export const all = (source: Readable) => new Promise<void>((resolve, reject) => { source.on("end", resolve); source.on("error", reject); });',
  },
  { file: "packages/engine/src/room/planted.test.ts", source: 'import { spawn } from "node:child_process"; spawn("ls");' },
  {
    file: "packages/engine/src/room/planted-long.test.ts",
    source: 'import { test } from "node:test"; test("it ends", { timeout: 600_000 }, () => undefined);',
  },
  {
    file: "integration/planted-refusal.test.ts",
    source:
      'export const refused = ["192.0.2.1/24", "2001:db8::/64", "fd00::1", "container 10.1.2 of 3", `${process.pid}.0/24`];',
  },
  {
    file: "integration/planted-names.test.ts",
    source: 'export const flags = [...["--nft-table", `pouch_${process.pid}`], "link", "delete", "veth7", "--bridge-name"];',
  },
  {
    file: "conformance/differential/planted.ts",
    source: 'export const Subnet = "10.99.0.0/24";',
  },
  { file: "packages/engine/src/room/planted-cidr.test.ts", source: 'export const pool = "172.17.0.0/16";' },
  { file: "packages/cli/src/planted.ts", source: 'import { spawnSync } from "node:child_process"; spawnSync("ls");' },
  { file: "packages/owners/src/planted.ts", source: 'import { createSocket } from "node:dgram"; createSocket("udp4");' },
];

const directory = mkdtempSync(join(tmpdir(), "pouch-planted-"));
try {
  const plant = ({ source, file }: { source: string; file?: string }, name: string): string => {
    const path = file ?? join(room, `${name}.ts`);
    mkdirSync(join(directory, dirname(path)), { recursive: true });
    writeFileSync(join(directory, path), `${source}\n`);
    return path;
  };
  const expected = planted.map((one, index) => ({ ...one, path: plant(one, `wrong-${index}`) }));
  const clean = right.map((one, index) => plant(one, `right-${index}`));
  for (const file of ["oxlintrc.json", "hack/lint-rules.ts"]) cpSync(join(root, file), join(directory, file));
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  const run = spawnSync(join(root, "node_modules/.bin/oxlint"), ["--config", "oxlintrc.json", "--format", "json", "."], {
    cwd: directory,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  const report = JSON.parse(run.stdout) as { diagnostics: { code: string; filename: string }[] };
  const found = (path: string): string[] =>
    report.diagnostics
      .filter(({ filename, code }) => filename.endsWith(path) && code.startsWith("owners("))
      .map(({ code }) => code);
  const wrong = [
    ...expected
      .filter(({ rule, path }) => !found(path).includes(`owners(${rule})`))
      .map(({ rule, source }) => `not caught: ${rule} in ${source}`),
    ...clean.flatMap((path, index) => found(path).map((code) => `caught though it is right: ${code} in ${right[index]?.source}`)),
  ];
  for (const line of wrong) console.error(`planted lint violation ${line}`);
  if (wrong.length > 0) process.exitCode = 1;
  else console.error(`check: ${planted.length} planted lint violations caught, ${right.length} right ones left alone`);
} finally {
  rmSync(directory, { recursive: true });
}
