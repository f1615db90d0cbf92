import assert from "node:assert/strict";
import { test } from "node:test";
import { alignColumns } from "./tabwriter.ts";

test("a column is as wide as its widest cell and three blanks, ten at least", () => {
  assert.equal(
    alignColumns("A\tB\tC\nlonger than that\tx\ty\n"),
    "A                  B         C\nlonger than that   x         y\n",
  );
});

test("a line without a cell ends the column above it", () => {
  assert.equal(alignColumns("a\tb\nheading\nlong long cell\td\n"), "a         b\nheading\nlong long cell   d\n");
});

test("characters are counted, not bytes", () => {
  assert.equal(alignColumns("sleep …\tx\n"), "sleep …   x\n");
});
