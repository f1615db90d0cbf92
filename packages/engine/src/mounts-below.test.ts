import assert from "node:assert/strict";
import { test } from "node:test";
import { mountsBelow } from "./mounts-below.ts";

const line = (place: string): string => `36 35 0:34 / ${place} rw,relatime shared:1 - tmpfs shm rw`;

test("mounts below a folder come latest first, with their names as they are", () => {
  const info = [line("/run/pouch"), line("/run/pouch/a"), line("/run/pouch2/b"), line("/run/pouch/my\\040c/d"), ""].join("\n");
  assert.deepEqual(mountsBelow(info, "/run/pouch"), ["/run/pouch/my c/d", "/run/pouch/a"]);
});
