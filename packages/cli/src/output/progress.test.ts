import assert from "node:assert/strict";
import { test } from "node:test";
import type { Output } from "./output.ts";
import { ProgressDisplay, progressText } from "./progress.ts";

function collect(isTTY: boolean, width = 0): { out: Output; text: () => string } {
  let text = "";
  const out: Output = {
    isTTY,
    columns: () => width,
    size: () => (width > 0 ? { width, height: 24 } : undefined),
    write(data) {
      text += String(data);
    },
  };
  return { out, text: () => text };
}

test("a layer keeps its line on a terminal", () => {
  const { out, text } = collect(true, 80);
  const display = new ProgressDisplay(out);
  display.show({ id: "a", status: "Waiting" });
  display.show({ id: "b", status: "Waiting" });
  display.show({ id: "a", status: "Downloading", progressDetail: { current: 1000, total: 2000 } });
  assert.equal(text(), "a: Waiting\u001b[K\nb: Waiting\u001b[K\n\u001b[2A\ra: Downloading      1kB/2kB\u001b[K\u001b[2B\r");
});

test("elsewhere every change of status is a line, and bars are left out", () => {
  const { out, text } = collect(false);
  const display = new ProgressDisplay(out);
  display.show({ id: "a", status: "Downloading", progressDetail: { current: 1, total: 2 } });
  display.show({ id: "a", status: "Pull complete", progressDetail: {} });
  display.show({ status: "Digest: sha256:0" });
  assert.equal(text(), "a: Pull complete\nDigest: sha256:0\n");
});

test("a wide window has room for the bar", () => {
  assert.equal(
    progressText({ progressDetail: { current: 500, total: 1000 } }, 120),
    `[${"=".repeat(25)}>${" ".repeat(24)}]      500B/1kB`,
  );
});
