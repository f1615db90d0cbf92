import assert from "node:assert/strict";
import { test } from "node:test";
import {
  familiarReference,
  familiarRepository,
  formatReference,
  idPrefixOf,
  InvalidReferenceError,
  isTag,
  parseNamingDefaults,
  parseReference,
  parseTaggedReference,
} from "./reference.ts";

const hex = "0123456789abcdef".repeat(4);

test("names are normalised as the distribution project does", () => {
  const cases: Record<string, [normalised: string, familiar: string]> = {
    busybox: ["docker.io/library/busybox", "busybox"],
    "busybox:1.36": ["docker.io/library/busybox:1.36", "busybox:1.36"],
    "docker.io/busybox": ["docker.io/library/busybox", "busybox"],
    "index.docker.io/library/busybox": ["docker.io/library/busybox", "busybox"],
    "team/app": ["docker.io/team/app", "team/app"],
    "library/team/app": ["docker.io/library/team/app", "library/team/app"],
    "localhost/app": ["localhost/app", "localhost/app"],
    "localhost:5000/app:v1": ["localhost:5000/app:v1", "localhost:5000/app:v1"],
    "127.0.0.1:5000/a/b": ["127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b"],
    "[2001:db8::1]:5000/app": ["[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app"],
    "quay.io/a_b/c__d/e-f.g:V1_x": ["quay.io/a_b/c__d/e-f.g:V1_x", "quay.io/a_b/c__d/e-f.g:V1_x"],
    "MyHost/app": ["MyHost/app", "MyHost/app"],
    [`busybox@sha256:${hex}`]: [`docker.io/library/busybox@sha256:${hex}`, `busybox@sha256:${hex}`],
    [`busybox:1@sha256:${hex}`]: [`docker.io/library/busybox:1@sha256:${hex}`, `busybox:1@sha256:${hex}`],
  };
  for (const [text, [normalised, familiar]] of Object.entries(cases)) {
    const reference = parseReference(text);
    assert.equal(formatReference(reference), normalised, text);
    assert.equal(familiarReference(reference), familiar, text);
    assert.deepEqual(parseReference(normalised), reference, `${normalised} must parse to the same`);
  }
});

test("what is no reference is refused in Docker's words", () => {
  for (const text of [
    "",
    ":tag",
    "a//b",
    "a b",
    "-a",
    "a/",
    "a:",
    "a@sha256:12",
    "a:tag:tag",
    "a/b:-x",
    "a..b",
    "a___b",
    "http://x/y",
    "x".repeat(2000),
    "é",
  ]) {
    assert.throws(() => parseReference(text), { name: "InvalidReferenceError", message: "invalid reference format" }, text);
  }
  assert.throws(() => parseReference("Busybox"), {
    message: "invalid reference format: repository name (library/Busybox) must be lowercase",
  });
  assert.throws(() => parseReference(hex), {
    message: `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`,
  });
  assert.throws(() => parseReference(`a/${"b".repeat(260)}`), {
    message: "repository name must not be more than 255 characters",
  });
  assert.throws(() => parseReference(`busybox@sha256:${hex}00`), InvalidReferenceError);
});

test("hostile input is refused in linear time", () => {
  const before = process.cpuUsage();
  for (const text of [
    `${"a-".repeat(500)}!`,
    `${"a.".repeat(500)}!`,
    `${"a_".repeat(500)}/`,
    "-".repeat(1000),
    `a${"-".repeat(1000)}`,
  ]) {
    assert.throws(() => parseReference(text), InvalidReferenceError);
  }
  // What this process worked, however long it waited for a processor.
  assert.ok(process.cpuUsage(before).user < 500_000);
});

test("latest is the tag of a name that says neither tag nor digest", () => {
  assert.equal(formatReference(parseTaggedReference("busybox")), "docker.io/library/busybox:latest");
  assert.equal(parseTaggedReference(`busybox@sha256:${hex}`).tag, undefined);
});

test("another default registry changes what short names mean, and what is short", () => {
  const naming = parseNamingDefaults("reg.example:5000/team");
  assert.equal(formatReference(parseReference("app", naming)), "reg.example:5000/team/app");
  assert.equal(familiarReference(parseReference("reg.example:5000/team/app:1", naming), naming), "app:1");
  assert.equal(formatReference(parseReference("docker.io/busybox", naming)), "docker.io/library/busybox");
  assert.equal(familiarRepository(parseReference("docker.io/busybox", naming), naming), "docker.io/library/busybox");
  assert.deepEqual(parseNamingDefaults("reg.example"), { domain: "reg.example", namespace: "library" });
  assert.throws(() => parseNamingDefaults("http://reg"), InvalidReferenceError);
});

test("ids and their beginnings are told from names", () => {
  assert.equal(idPrefixOf(`sha256:${hex}`), hex);
  assert.equal(idPrefixOf("ab12"), "ab12");
  assert.equal(idPrefixOf("busybox"), undefined);
  assert.equal(idPrefixOf(`${hex}0`), undefined);
});

test("tags", () => {
  assert.ok(isTag("v1.0_x-y") && isTag("_a"));
  assert.ok(!isTag("-a") && !isTag("") && !isTag("a".repeat(129)) && !isTag("a b"));
});
