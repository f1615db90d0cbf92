import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";

const program = `
  import { keepInheritedFiles } from ${JSON.stringify(new URL("keep-inherited-files.ts", import.meta.url).href)};
  import { spawnSync } from "node:child_process";
  keepInheritedFiles();
  process.stdout.write(spawnSync("ls", ["/proc/self/fd"]).stdout);
`;

test("what a process inherited is not inherited by what it starts", () => {
  const file = openSync("/etc/hostname", "r");
  // Of these the fourth and the hundredth; Node's own programs get the others as empty ones.
  const stdio = Array.from({ length: 100 }, (_, fd) =>
    fd === 3 || fd === 99 ? file : fd < 3 ? ("pipe" as const) : ("ignore" as const),
  );
  const flags = ["--experimental-ffi", "--disable-warning=ExperimentalWarning", "--input-type=module", "-e", program];
  const { stdout, stderr } = spawnSync(process.execPath, flags, { stdio, encoding: "utf8" });
  closeSync(file);
  // Three streams, and the folder that `ls` lists.
  assert.equal(stdout, "0\n1\n2\n3\n", stderr);
});
