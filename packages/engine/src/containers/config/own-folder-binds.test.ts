import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBind, parseMount } from "./mount-spec.ts";
import { adaptToOwnFolders } from "./own-folder-binds.ts";

const folders = { home: "/var/lib/pouch", exec: "/run/pouch" };
const propagationOf = (bind: string): string => adaptToOwnFolders(parseBind(bind, ""), folders).propagation;

test("what shows a container the daemon's folders does not hold on to what is mounted there", () => {
  for (const bind of ["/:/host", "/var/lib:/x", "/var/lib/pouch:/x:ro", "/var/lib/pouch/volumes/a:/x", "/run:/run"])
    assert.equal(propagationOf(bind), "rslave", bind);
  for (const bind of ["/var/lib/pouchy:/x", "/etc:/x", "data:/x"]) assert.notEqual(propagationOf(bind), "rslave", bind);
  assert.equal(propagationOf("/:/host:rshared"), "rshared");
  assert.equal(propagationOf("/run:/run:rprivate"), "rprivate");
  assert.throws(() => propagationOf("/:/host:rprivate"), {
    kind: "invalidArgument",
    message:
      'invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, ' +
      'daemon root: "/var/lib/pouch", bind mount source: "/", propagation: "rprivate"',
  });
});

test("what must stay read-only with everything below it is no slave: over the daemon's root it is refused", () => {
  const recursive = (Source: string): string =>
    adaptToOwnFolders(
      parseMount(
        { Type: "bind", Source, Target: "/host", ReadOnly: true, BindOptions: { ReadOnlyForceRecursive: true } },
        { sourceExists: () => true },
      ),
      folders,
    ).propagation;
  assert.equal(recursive("/etc"), "rprivate");
  assert.equal(recursive("/run"), "rprivate");
  assert.throws(() => recursive("/var"), {
    kind: "invalidArgument",
    message:
      /^invalid mount config: \/var cannot be mounted at \/host read-only with everything below it.* that is not recursive$/,
  });
});
