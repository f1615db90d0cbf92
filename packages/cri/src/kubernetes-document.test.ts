import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { containerCalls } from "./containers/container-calls.ts";
import { ImageService, RuntimeService } from "./gen/runtime_v1_pb.ts";
import { imageCalls } from "./images/image-calls.ts";
import { podCalls } from "./pods/pod-calls.ts";
import { runtimeCalls } from "./runtime/runtime-calls.ts";

test("docs/kubernetes.md tells of every call whether it is served", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/kubernetes.md"), "utf8");
  const told = [...text.matchAll(/^\| `([A-Z]\w+)` \| (.+) \|$/gm)].map(([, name, state]) => [name, state === "served"]);
  // Only the names of the calls are looked at, none is made.
  const none = {} as never;
  const served = { ...runtimeCalls(none), ...podCalls(none), ...containerCalls(none, none), ...imageCalls(none) };
  const calls = [...RuntimeService.methods, ...ImageService.methods].map(({ name, localName }) => [name, localName in served]);
  assert.deepEqual(told, calls);
});
