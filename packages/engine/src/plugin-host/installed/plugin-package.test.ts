import type { EngineError } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { test, type TestContext } from "node:test";
import { pack, type Header } from "tar-stream";
import { artifactsOf } from "../testing/manager-home.ts";
import { packageContent } from "./package-content.ts";
import { contentAt, unpackPlugin, type PackageRoom } from "./plugin-package.ts";

type Entry = Partial<Header> & { name: string; text?: string };

const pouch = { api: "1", points: ["container.preCreate"] };
const manifest = { name: "tool", version: "1.0.0", exports: "./index.js", pouch };
const own: Entry[] = [
  { name: "package/package.json", text: JSON.stringify(manifest) },
  { name: "package/index.js", text: "export {};" },
];

/** Nothing is against it. */
const admitted = (): void => undefined;

interface Place {
  root: string;
  room: PackageRoom;
  /** An archive with these entries. */
  archive(...entries: Entry[]): Promise<string>;
  /** A folder with a plugin in it. */
  folder(): string;
}

function place(t: TestContext): Place {
  const root = mkdtempSync(join(tmpdir(), "package-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return {
    root,
    room: { directory: join(root, "installed"), artifacts: artifactsOf({ keys: [], required: false }) },
    async archive(...entries) {
      const file = join(root, "sent.tar");
      const archive = pack();
      for (const { text = "", ...header } of entries) archive.entry(header, text);
      archive.finalize();
      await pipeline(archive, createWriteStream(file));
      return file;
    },
    folder() {
      const folder = mkdtempSync(join(root, "folder-"));
      for (const { name, text = "" } of own) writeFileSync(join(folder, name.replace("package/", "")), text);
      return folder;
    },
  };
}

/** It is refused with that message, and nothing of it is left. */
async function assertRefused({ room }: Place, reference: string, message: RegExp): Promise<void> {
  for (const source of [{ reference }, ...(statSync(reference).isFile() ? [{ archive: createReadStream(reference) }] : [])])
    await assert.rejects(unpackPlugin(source, room, admitted), (error: EngineError) => {
      assert.match(error.message, message);
      assert.equal(error.kind, "invalidArgument");
      return true;
    });
  assert.deepEqual(existsSync(room.directory) ? readdirSync(room.directory) : [], []);
}

const link = (linkname: string, name = "package/lib/way"): Entry => ({ name, type: "symlink", linkname });

for (const [what, entry, message] of [
  [
    "a block device",
    { name: "package/disk", type: "block-device", devmajor: 7, devminor: 0 },
    /^"disk" in .* is a block device: /,
  ],
  [
    "a character device",
    { name: "package/a/zero", type: "character-device", devmajor: 1, devminor: 5 },
    /^"a\/zero" in .* is a ch/,
  ],
  ["a FIFO", { name: "package/pipe\n", type: "fifo" }, /^"pipe\\n" in the plugin's package is a FIFO: a package has folders/],
  ["a link to a path of the host", link("/etc/shadow"), /^"lib\/way" in .* is a link to "\/etc\/shadow": /],
  ["a link that climbs out", link("../../other"), /is a link to "\.\.\/\.\.\/other"/],
  ["a link that climbs after it went down", link("x/../../../other"), /is a link to "x\/\.\./],
  ["a link among its dependencies", link("../../..", "package/node_modules/dep"), /^"node_modules\/dep" in /],
] as [string, Entry, RegExp][])
  test(`an archive with ${what} is refused by its name`, async (t) => {
    const here = place(t);
    await assertRefused(here, await here.archive(...own, entry), message);
  });

test("an archive that is nothing but a link to a folder of the host takes nothing out of it", async (t) => {
  const here = place(t);
  const outside = here.folder();
  await assertRefused(here, await here.archive(link(outside, "package")), /is a link to /);
  assert.deepEqual(readdirSync(outside).toSorted(), ["index.js", "package.json"]);
});

for (const [what, put, message] of [
  ["a FIFO", (folder) => execFileSync("mkfifo", [join(folder, "pipe")]), /^"pipe" in the plugin's package is a FIFO/],
  [
    "a character device",
    (folder) => execFileSync("mknod", [join(folder, "zero"), "c", "1", "5"]),
    /^"zero" in .* is a character/,
  ],
  ["a link that leads out", (folder) => symlinkSync("/etc/passwd", join(folder, "users")), /^"users" in .* "\/etc\/passwd"/],
  ["a manifest that is a link out", (folder) => manifestLink(folder, "/etc/shadow"), /^"package.json" in .* "\/etc\/shadow"/],
  ["a manifest without end", (folder) => manifestLink(folder, "/dev/zero"), /^"package.json" in .* "\/dev\/zero"/],
] as [string, (folder: string) => void, RegExp][])
  test(`a folder with ${what} is refused by its name, and looked at no further`, async (t) => {
    const here = place(t);
    const folder = here.folder();
    put(folder);
    await assertRefused(here, folder, message);
    await assert.rejects(contentAt(folder, here.room), { message });
  });

function manifestLink(folder: string, target: string): void {
  rmSync(join(folder, "package.json"));
  symlinkSync(target, join(folder, "package.json"));
}

test("a folder with a socket is refused by its name", async (t) => {
  const here = place(t);
  const folder = here.folder();
  const server = createServer().listen(join(folder, "sock"));
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  await assertRefused(here, folder, /^"sock" in the plugin's package is a socket/);
});

test("links inside a package are what they were, in its folder, its copy and an archive; dependencies and git stay where they are", async (t) => {
  const here = place(t);
  const folder = here.folder();
  mkdirSync(join(folder, "lib/.git"), { recursive: true });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync("/nowhere", join(folder, "node_modules/dep"));
  symlinkSync("../index.js", join(folder, "lib/main.js"));
  symlinkSync(".", join(folder, "here"));
  symlinkSync("lib", join(folder, "again"));
  const content = await packageContent(folder);
  const archive = await here.archive(
    ...own,
    link("../index.js", "package/lib/main.js"),
    link(".", "package/here"),
    link("lib", "package/again"),
  );
  for (const reference of [folder, archive]) {
    const { directory, content: unpacked } = await unpackPlugin({ reference }, here.room, admitted);
    assert.equal(unpacked, content);
    assert.equal(readlinkSync(join(directory, "lib/main.js")), "../index.js");
    assert.deepEqual(readdirSync(directory).toSorted(), ["again", "here", "index.js", "lib", "package.json"]);
    assert.deepEqual(readdirSync(join(directory, "lib")), ["main.js"]);
  }
});

test("no program of a package runs as somebody else: what its modes say of that is dropped", async (t) => {
  const here = place(t);
  const folder = here.folder();
  writeFileSync(join(folder, "run"), "");
  chmodSync(join(folder, "run"), 0o6755);
  mkdirSync(join(folder, "shared"));
  chmodSync(join(folder, "shared"), 0o3775);
  const archive = await here.archive(
    ...own,
    { name: "package/run", mode: 0o6755 },
    { name: "package/shared", type: "directory", mode: 0o3775 },
  );
  for (const reference of [folder, archive]) {
    const { directory } = await unpackPlugin({ reference }, here.room, admitted);
    const modes = ["run", "shared"].map((name) => statSync(join(directory, name)).mode & 0o7777);
    assert.deepEqual(modes, [0o755, 0o775]);
  }
  assert.equal(statSync(join(folder, "run")).mode & 0o7777, 0o6755, "the folder is its owner's");
});

const large = JSON.stringify({ ...manifest, description: "x".repeat(1 << 20) });
const wide = `[${"[],".repeat(20_000)}1]`;
const deep = `${"[".repeat(2000)}${"]".repeat(2000)}`;

for (const [what, text, message] of [
  ["large", large, /package\.json is larger than 1048576 bytes$/],
  ["wide", wide, /^the plugin's package\.json has more than 20000 values$/],
  ["deep", deep, /^the plugin's package\.json is nested deeper than 1000 levels$/],
] as const)
  test(`a manifest that is too ${what} is refused before it is read`, async (t) => {
    const here = place(t);
    await assertRefused(here, await here.archive({ name: "package/package.json", text }), message);
  });

test("a package does not say what npm takes for git, and asks for nothing of the host by npm's settings", async (t) => {
  const here = place(t);
  const folder = here.folder();
  const witness = join(here.root, "witness");
  writeFileSync(join(folder, "git"), `#!/bin/sh\ntouch ${witness}\nexit 1\n`, { mode: 0o755 });
  writeFileSync(join(folder, ".npmrc"), `git=${join(folder, "git")}\n`);
  const dependencies = { dep: "git+https://127.0.0.1:1/dep.git" };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...manifest, dependencies }));
  await assert.rejects(
    unpackPlugin({ reference: folder }, here.room, admitted),
    /that plugin "tool" depends on could not be installed/,
  );
  assert.equal(existsSync(witness), false);
});

test("of what is no package on the host nothing is read", async (t) => {
  const here = place(t);
  const pipe = join(here.root, "pipe");
  execFileSync("mkfifo", [pipe, `${pipe}.json`]);
  await assertRefused(here, pipe, /pipe is neither a folder nor a regular file$/);
  await assertRefused(here, `${pipe}.json`, /pipe\.json is no regular file$/);
});
