import { notFound } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveLinks } from "./legacy-links.ts";

function find(ref: string): { id: string; name: string } {
  if (!["db", "cache"].includes(ref)) throw notFound(`No such container: ${ref}`);
  return { id: `id of ${ref}`, name: ref };
}

test("links are read as they are written, and as inspect shows them; of two with one alias the first counts", () => {
  const aliases = (...links: string[]) => resolveLinks(links, find).map(({ name, alias }) => `${name} ${alias}`);
  assert.deepEqual(aliases("db", "db:database", "/db:/web/shown", "db:a/b"), ["db db", "db database", "db shown", "db b"]);
  assert.deepEqual(aliases("db:x", "cache:x"), ["db x"]);
});

test("what is no link is refused in Docker's words", () => {
  assert.throws(() => resolveLinks([""], find), { kind: "invalidArgument", message: "empty string specified for links" });
  assert.throws(() => resolveLinks(["a:b:c"], find), { message: "bad format for links: a:b:c" });
  assert.throws(() => resolveLinks(["gone:x"], find), {
    kind: "invalidArgument",
    message: "could not get container for gone: No such container: gone",
  });
});
