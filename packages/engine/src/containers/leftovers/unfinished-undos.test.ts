import { notFound, unavailable } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { UnfinishedUndos } from "./unfinished-undos.ts";

test("a step of undoing is tried until it works out, or there is nothing to undo", async () => {
  const undos = new UnfinishedUndos({ info: () => undefined });
  const calls: string[] = [];
  let away = true;
  undos.add("a", async () => {
    calls.push("snapshot");
    if (away) throw unavailable("containerd does not answer");
  });
  undos.add("b", async () => {
    calls.push("record");
    throw notFound("no such record");
  });
  assert.equal(await undos.tryAll(), false);
  away = false;
  assert.equal(await undos.tryAll(), true);
  assert.equal(await undos.tryAll(), true);
  assert.deepEqual(calls, ["snapshot", "record", "snapshot"]);
});
