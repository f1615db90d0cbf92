import assert from "node:assert/strict";
import { test } from "node:test";
import { internal } from "@pouchcontainer/errors";
import { leftBundle } from "./new-task.ts";

const id = "ab".repeat(32);
const refusal = (folder: string): Error => internal(`failed to start shim: mkdir ${folder}: file exists: unknown`);

test("only the folder of this very task is taken for a leftover", () => {
  const folder = `/run/my pouch/containerd/io.containerd.runtime.v2.task/pouch/${id}`;
  assert.equal(leftBundle(refusal(folder), id), folder);
  assert.equal(leftBundle(refusal(folder), "cd".repeat(32)), undefined);
  assert.equal(leftBundle(refusal(`/etc/${id}`), id), undefined);
  assert.equal(leftBundle(internal("no space left on device"), id), undefined);
});
