import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageInspect, ImageSummary } from "@pouchcontainer/api";
import { inspectForVersion, summaryForVersion } from "./image-for-version.ts";

const inspected = { Id: "sha256:1", Size: 7, Config: { Cmd: ["sh"] } } as unknown as ImageInspect;

test("a configuration has the keys its version has, set or not", () => {
  const keys = (version: string): string[] =>
    Object.keys((inspectForVersion(inspected, version) as { Config: object }).Config).sort();
  assert.deepEqual(keys("1.50"), ["Cmd", "Entrypoint", "Env", "Labels", "OnBuild", "User", "Volumes", "WorkingDir"]);
  assert.equal(keys("1.49").length, 17);
  const { Config } = inspectForVersion(inspected, "1.41") as { Config: Record<string, unknown> };
  assert.deepEqual([Config["Cmd"], Config["Tty"], Config["Labels"], Config["Hostname"]], [["sh"], false, null, ""]);
});

test("an image nobody names is <none> below 1.43, and no names are null", () => {
  const nameless = { Id: "sha256:1", Size: 7, RepoTags: [], RepoDigests: [] } as unknown as ImageSummary;
  const names = (image: ImageSummary, version: string): unknown[] => {
    const { RepoTags, RepoDigests } = summaryForVersion(image, version) as ImageSummary;
    return [RepoTags, RepoDigests];
  };
  assert.deepEqual(names(nameless, "1.42"), [["<none>:<none>"], ["<none>@<none>"]]);
  assert.deepEqual(names({ ...nameless, RepoTags: ["a:1"] }, "1.42"), [["a:1"], null]);
  assert.deepEqual(names(nameless, "1.43"), [[], []]);
});
