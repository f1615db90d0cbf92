import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseBind, parseMount } from "./mount-spec.ts";
import { adaptToOwnFolders } from "./own-folder-binds.ts";

const folders = { home: "/var/lib/pouch", exec: "/run/pouch" };
const propagationOf = async (bind: string, own = folders): Promise<string> =>
  (await adaptToOwnFolders([parseBind(bind, "")], own))[0]?.propagation ?? "";

test("what shows a container the daemon's folders does not hold on to what is mounted there", async () => {
  for (const bind of ["/:/host", "/var/lib:/x", "/var/lib/pouch:/x:ro", "/var/lib/pouch/volumes/a:/x", "/run:/run"])
    assert.equal(await propagationOf(bind), "rslave", bind);
  for (const bind of ["/var/lib/pouchy:/x", "/etc:/x", "data:/x"]) assert.notEqual(await propagationOf(bind), "rslave", bind);
  assert.equal(await propagationOf("/:/host:rshared"), "rshared");
  assert.equal(await propagationOf("/run:/run:rprivate"), "rprivate");
  await assert.rejects(propagationOf("/:/host:rprivate"), {
    kind: "invalidArgument",
    message:
      'invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, ' +
      'daemon root: "/var/lib/pouch", bind mount source: "/", propagation: "rprivate"',
  });
});

test("what must stay read-only with everything below it is no slave: over the daemon's root it is refused", async () => {
  const recursive = async (Source: string): Promise<string> => {
    const BindOptions = { ReadOnlyForceRecursive: true };
    const mount = { Type: "bind", Source, Target: "/host", ReadOnly: true, BindOptions } as const;
    return (await adaptToOwnFolders([parseMount(mount, { sourceExists: () => true })], folders))[0]?.propagation ?? "";
  };
  assert.equal(await recursive("/etc"), "rprivate");
  assert.equal(await recursive("/run"), "rprivate");
  await assert.rejects(recursive("/var"), {
    kind: "invalidArgument",
    message:
      /^invalid mount config: \/var cannot be mounted at \/host read-only with everything below it.* that is not recursive$/,
  });
});

test("a link to what holds the daemon's folders is followed, and so is one on the way to them", async (t) => {
  const top = realpathSync(mkdtempSync(join(tmpdir(), "own-folders-")));
  t.after(() => rmSync(top, { recursive: true }));
  mkdirSync(join(top, "true/home"), { recursive: true });
  mkdirSync(join(top, "else"));
  symlinkSync("true", join(top, "link"));
  symlinkSync("../true", join(top, "else/up"));
  const own = { home: join(top, "link/home"), exec: "/run/pouch" };
  for (const path of ["true", "link", "else/up", "else/up/home/not-there-yet"])
    assert.equal(await propagationOf(`${join(top, path)}:/x`, own), "rslave", path);
  assert.equal(await propagationOf(`${join(top, "else")}:/x`, own), "rprivate");
  await assert.rejects(propagationOf(`${join(top, "else/up")}:/x:rprivate`, own), { kind: "invalidArgument" });
});
