import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatPlatform,
  InvalidPlatformError,
  parsePlatform,
  platformDistance,
  platformOfHost,
  sortByPlatform,
  type Platform,
} from "./platform.ts";

const amd64 = platformOfHost({ platform: "linux", arch: "x64" });
const arm64 = platformOfHost({ platform: "linux", arch: "arm64" });
const parse = (text: string): Platform => parsePlatform(text, amd64);

test("platforms are read in all their spellings", () => {
  assert.deepEqual(amd64, { os: "linux", architecture: "amd64" });
  assert.deepEqual(parse("linux/x86_64"), amd64);
  assert.deepEqual(parse("linux"), amd64);
  assert.deepEqual(parse("arm64"), { os: "linux", architecture: "arm64" });
  assert.deepEqual(parse("linux/arm64/v8"), parse("aarch64"));
  assert.deepEqual(parse("linux/arm"), { os: "linux", architecture: "arm", variant: "v7" });
  assert.deepEqual(parse("linux/armel"), { os: "linux", architecture: "arm", variant: "v6" });
  assert.deepEqual(parse("Linux/ARM/7"), { os: "linux", architecture: "arm", variant: "v7" });
  assert.equal(formatPlatform(parse("arm64")), "linux/arm64/v8");
  assert.equal(formatPlatform(amd64), "linux/amd64");
});

test("what is no platform is refused", () => {
  for (const text of ["", "linux/", "a/b/c/d", "linux/am d64", "toaster", "linux//v8"])
    assert.throws(() => parse(text), InvalidPlatformError, text);
});

test("a machine runs its own variant and lower ones, never higher ones or another architecture", () => {
  assert.equal(platformDistance(amd64, amd64), 0);
  assert.equal(platformDistance(amd64, arm64), undefined);
  assert.equal(platformDistance(amd64, parse("windows/amd64")), undefined);
  assert.equal(platformDistance(parse("linux/arm/v7"), parse("linux/arm/v6")), 1);
  assert.equal(platformDistance(parse("linux/arm/v6"), parse("linux/arm/v7")), undefined);
  assert.equal(platformDistance(amd64, parse("linux/amd64/v3")), undefined);
  assert.equal(platformDistance(parse("linux/amd64/v3"), amd64), 2);
});

test("the best match comes first", () => {
  const offered = ["linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64"].map(parse);
  const names = (wanted: Platform): string[] => sortByPlatform(offered, wanted, (platform) => platform).map(formatPlatform);
  assert.deepEqual(names(arm64), ["linux/arm64/v8", "linux/arm/v7", "linux/arm/v6"]);
  assert.deepEqual(names(parse("linux/arm/v7")), ["linux/arm/v7", "linux/arm/v6"]);
  assert.deepEqual(names(parse("linux/s390x")), []);
});
