import assert from "node:assert/strict";
import { test } from "node:test";
import type { WindowSize } from "../output/output.ts";
import { windowSizeSender } from "./window-size.ts";

test("the last size a window had arrives last, however long a request takes, and what lies between is left out", async () => {
  let size: WindowSize = { width: 80, height: 24 };
  const answers: (() => void)[] = [];
  const begun: WindowSize[] = [];
  const send = windowSizeSender(
    () => size,
    async (told) => {
      begun.push(told);
      await new Promise<void>((resolve) => answers.push(resolve));
    },
  );
  const first = send();
  for (const width of [90, 100, 120]) {
    size = { width, height: 24 };
    void send();
  }
  assert.deepEqual(begun, [{ width: 80, height: 24 }]);
  answers.shift()?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun.slice(1), [{ width: 120, height: 24 }]);
  answers.shift()?.();
  await first;
  void send();
  assert.equal(begun.length, 3);
  answers.shift()?.();
});

test("a request that fails holds none up that comes after it, and without a window none is sent", async () => {
  let size: WindowSize | undefined = { width: 80, height: 24 };
  let sent = 0;
  const send = windowSizeSender(
    () => size,
    async () => {
      sent++;
      throw new Error("the container is not running");
    },
  );
  await send();
  await send();
  size = undefined;
  await send();
  assert.equal(sent, 2);
});
