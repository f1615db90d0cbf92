import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, equalJson, type PatchOperation } from "./json-patch.ts";

/** RFC 6902, the three operations the differ makes, on a copy. */
function apply(value: unknown, patch: readonly PatchOperation[]): unknown {
  const root = { "": structuredClone(value) } as Record<string, unknown>;
  for (const operation of patch) {
    const parts = [
      "",
      ...operation.path
        .split("/")
        .slice(1)
        .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~")),
    ];
    const key = parts.pop() ?? "";
    const parent = parts.reduce<unknown>((node, part) => (node as Record<string, unknown>)[part], root) as
      Record<string, unknown> | unknown[];
    if (Array.isArray(parent)) {
      if (operation.op === "remove") parent.splice(Number(key), 1);
      else parent.splice(Number(key), operation.op === "add" ? 0 : 1, operation.value);
    } else if (operation.op === "remove") delete parent[key];
    else parent[key] = operation.value;
  }
  return root[""];
}

const pairs: [string, unknown, unknown, PatchOperation[]][] = [
  ["a member changed", { a: { b: 1 } }, { a: { b: 2 } }, [{ op: "replace", path: "/a/b", value: 2 }]],
  [
    "a member added and one removed",
    { a: 1 },
    { b: 1 },
    [
      { op: "remove", path: "/a" },
      { op: "add", path: "/b", value: 1 },
    ],
  ],
  ["an item put first", { Env: ["A=1"] }, { Env: ["B=1", "A=1"] }, [{ op: "add", path: "/Env/0", value: "B=1" }]],
  [
    "items removed from the middle",
    [1, 2, 3, 4],
    [1, 4],
    [
      { op: "remove", path: "/2" },
      { op: "remove", path: "/1" },
    ],
  ],
  ["an object in a list changed", [{ a: 1 }, { a: 2 }], [{ a: 1 }, { a: 3 }], [{ op: "replace", path: "/1/a", value: 3 }]],
  ["another type", { a: [1] }, { a: { x: 1 } }, [{ op: "replace", path: "/a", value: { x: 1 } }]],
  ["keys with slash and tilde", { "a/b": 1, "c~d": 1 }, { "a/b": 2, "c~d": 1 }, [{ op: "replace", path: "/a~1b", value: 2 }]],
  ["nothing", { a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
];

for (const [name, before, after, expected] of pairs) {
  test(`the difference of ${name}`, () => {
    const patch = difference(before, after);
    assert.deepEqual(patch, expected);
    assert.deepEqual(apply(before, patch), after);
  });
}

test("the difference of random values, applied, gives the second value", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  const make = (depth: number): unknown => {
    const shape = random(depth > 3 ? 3 : 6);
    if (shape < 2) return random(3);
    if (shape === 2) return ["x", null, true][random(3)];
    if (shape < 5) return Array.from({ length: random(5) }, () => make(depth + 1));
    return Object.fromEntries(Array.from({ length: random(4) }, () => ["abc"[random(3)], make(depth + 1)]));
  };
  for (let round = 0; round < 2000; round += 1) {
    const [before, after] = [make(0), make(0)];
    const result = apply(before, difference(before, after));
    assert.ok(equalJson(result, after), JSON.stringify({ before, after, result }));
  }
});
