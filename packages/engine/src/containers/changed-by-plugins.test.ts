import { notFound } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TraceEntry } from "../plugin-host/trace.ts";
import { tellingWhoChanged } from "./changed-by-plugins.ts";

const call = (plugin: string, path: string): TraceEntry => ({
  sequence: 1,
  time: "",
  plugin,
  version: "1.0.0",
  point: "container.preCreate",
  durationMs: 1,
  outcome: "changed",
  patch: [{ op: "replace", path, value: "x" }],
});

test("a failure that comes of a field names the plugin that changed it, and keeps its kind", async () => {
  const failing = (): never => {
    throw notFound("No such image: x");
  };
  const calls = [call("mirror", "/Image"), call("labels", "/Labels")];
  await assert.rejects(tellingWhoChanged(calls, "Image", failing), {
    kind: "notFound",
    message: 'No such image: x (Image is what plugin "mirror" made it)',
  });
  await assert.rejects(tellingWhoChanged(calls, "Name", failing), { kind: "notFound", message: "No such image: x" });
  assert.equal(await tellingWhoChanged(calls, "Image", () => 5), 5);
});
