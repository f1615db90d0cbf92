import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { platformOf } from "./platform.ts";

test("a platform is read in both of its forms", () => {
  assert.deepEqual(platformOf({}), {});
  assert.deepEqual(platformOf({ platform: "" }), {});
  assert.deepEqual(platformOf({ platform: "linux/arm64" }), { platform: "linux/arm64" });
  assert.deepEqual(platformOf({ platform: '{"architecture":"arm64","os":"linux","variant":"v8"}' }), {
    platform: "linux/arm64/v8",
  });
  assert.deepEqual(platformOf({ platform: '{"os":"linux"}' }), { platform: "linux" });
});

test("a platform that cannot be read is refused", () => {
  for (const bad of ["{", '{"os":5}']) {
    assert.throws(
      () => platformOf({ platform: bad }),
      (thrown) => isKind(thrown, "invalidArgument"),
    );
  }
});
