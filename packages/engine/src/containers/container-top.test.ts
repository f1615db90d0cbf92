import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePs } from "./container-top.ts";

const text = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 10:00 ?        00:00:01 /sbin/init
web          421     400  0 10:01 ?        00:00:00 sh -c echo a  b
web          422     421  0 10:01 ?        00:00:00 sleep 100
`;

test("only the container's processes are kept, their command lines whole", () => {
  const top = parsePs(text, new Set([421, 422]));
  assert.deepEqual(top.Titles, ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
  assert.deepEqual(
    top.Processes.map((row) => [row[1], row[7]]),
    [
      ["421", "sh -c echo a b"],
      ["422", "sleep 100"],
    ],
  );
});

test("ps without a PID column is refused", () => {
  assert.throws(() => parsePs("CMD\ninit\n", new Set([1])), /Couldn't find PID field/);
});
