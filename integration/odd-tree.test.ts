/**
 * A tree with everything in it that a file system allows goes through image, volume, export, save and load, and copies, here and
 * through dockerd: what comes out is compared with what went in, and with what comes out of dockerd.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { BothEngines, docker } from "./harness/both-engines.ts";
import { type Daemon, dockerCommand, run } from "./harness/daemon.ts";
import type { Dockerd } from "./harness/dockerd.ts";
import { differences, fillWithOddities, treeLines } from "./harness/tree.ts";

let both: BothEngines;
let daemon: Daemon;
let dockerd: Dockerd;
let folder: string;
/** What went in. */
let made: string[];

before(async () => {
  both = await BothEngines.start({ image: false });
  ({ daemon, dockerd, folder } = both);
  const archive = join(folder, "image.tar");
  makeImageArchive(archive, {
    name: "odd:tree",
    asMade: true,
    change: (rootfs) => {
      mkdirSync(join(rootfs, "tree"));
      fillWithOddities(join(rootfs, "tree"));
      made = treeLines(join(rootfs, "tree"));
    },
  });
  for (const { socket } of [daemon, dockerd]) await docker(socket, "load", "-q", "-i", archive);
});

after(() => both?.[Symbol.asyncDispose]());

/** A running container of the image, its files as the host sees them. */
async function container(socket: string, options: string[] = [], image = "odd:tree"): Promise<{ id: string; root: string }> {
  const id = await docker(socket, "run", "-d", "--network", "none", ...options, image, "sleep", "1000");
  return { id, root: `/proc/${await docker(socket, "inspect", "--format", "{{.State.Pid}}", id)}/root` };
}

const remove = (socket: string, id: string): Promise<string> => docker(socket, "rm", "-fv", id);

let archives = 0;

/** What GNU tar makes of the `tree` in an archive. */
async function unpacked(write: (archive: string) => Promise<unknown>): Promise<string[]> {
  const target = join(folder, `unpacked-${archives++}`);
  mkdirSync(target);
  await write(`${target}.tar`);
  const asIs = ["--numeric-owner", "--same-owner", "-p", "--xattrs", "--xattrs-include=*", "--warning=no-timestamp"];
  execFileSync("tar", ["-C", target, ...asIs, "-xf", `${target}.tar`, "tree"], { stdio: "ignore" });
  return treeLines(join(target, "tree"));
}

/** Lines without what dockerd leaves out of its archives: access lists and the user's own attributes. */
const asDockerdSends = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/ (system\.posix_acl_access|system\.posix_acl_default|user\.note)=\S*/g, ""));

const old = Buffer.from("./old").toString("hex");
const sinceTheBeginning = (line: string): string => (line.startsWith(`${old} `) ? line.replace(" -5 ", " 0 ") : line);

test("an image's layer becomes a container's files", async () => {
  const { ours, theirs } = await both.each(async (socket) => {
    const { id, root } = await container(socket);
    const lines = treeLines(join(root, "tree"));
    await remove(socket, id);
    return lines;
  });
  // A time before 1970 becomes its beginning, with both.
  made = made.map(sinceTheBeginning);
  assert.deepEqual(differences(ours, made), []);
  assert.deepEqual(differences(theirs, made), []);
});

test("what one saves the other loads", async () => {
  const { ours, theirs } = await both.each(async (socket) => {
    const [other, name] = socket === daemon.socket ? [dockerd.socket, "odd:ours"] : [daemon.socket, "odd:theirs"];
    const archive = join(folder, `${name}.tar`);
    await docker(socket, "tag", "odd:tree", name);
    await docker(socket, "save", "-o", archive, name);
    await docker(other, "load", "-q", "-i", archive);
    const { id, root } = await container(other, [], name);
    const lines = treeLines(join(root, "tree"));
    await remove(other, id);
    return lines;
  });
  assert.deepEqual(differences(ours, made), []);
  assert.deepEqual(differences(theirs, made), []);
});

test("an empty volume takes over the image's files", async () => {
  const { ours, theirs } = await both.each(async (socket) => {
    const { id, root } = await container(socket, ["-v", "/tree"]);
    const lines = treeLines(join(root, "tree"));
    await remove(socket, id);
    return lines;
  });
  assert.deepEqual(differences(ours, made), []);
  // dockerd's folders have the time of the copy.
  const untimed = (lines: string[]): string[] => lines.map((line) => line.replace(/ (0o4\d+ \d+ \d+) \d+/, " $1"));
  assert.deepEqual(differences(untimed(theirs), untimed(made)), []);
});

for (const [what, write] of [
  [
    "cp",
    (socket, id, archive) => run("sh", ["-c", `"$0" -H "unix://$1" cp "$2:/tree" - >"$3"`, dockerCommand, socket, id, archive]),
  ],
  ["export", (socket, id, archive) => docker(socket, "export", "-o", archive, id)],
] satisfies [string, (socket: string, id: string, archive: string) => Promise<unknown>][])
  test(`${what} sends what there is, but for sockets, as a tar that GNU tar reads`, async () => {
    const { ours, theirs } = await both.each(async (socket) => {
      const { id, root } = await container(socket);
      execFileSync("python3", ["-c", "import os, sys; os.mknod(sys.argv[1], 0o140644)", join(root, "tree/shared/socket")]);
      execFileSync("touch", ["-d", "@1000000000", join(root, "tree/shared")]);
      const lines = await unpacked((archive) => write(socket, id, archive));
      await remove(socket, id);
      return lines;
    });
    assert.deepEqual(differences(ours, made), []);
    assert.deepEqual(differences(theirs, asDockerdSends(made)), []);
  });

/** As a line of a tree has it. */
const socketName = `${Buffer.from("./shared/socket").toString("hex")} `;

test("what a container made is in the image that is committed of it, and what it removed is not", async () => {
  const { ours, theirs } = await both.each(async (socket) => {
    const { id, root } = await container(socket);
    mkdirSync(join(root, "own"));
    fillWithOddities(join(root, "own"));
    execFileSync("python3", ["-c", "import os, sys; os.mknod(sys.argv[1], 0o140644)", join(root, "own/shared/socket")]);
    execFileSync("touch", ["-d", "@1000000000", join(root, "own/shared")]);
    rmSync(join(root, "tree"), { recursive: true });
    mkdirSync(join(root, "tree"));
    writeFileSync(join(root, "tree/alone"), "");
    const written = treeLines(join(root, "own"))
      .filter((line) => !line.startsWith(socketName))
      .map(sinceTheBeginning);
    await docker(socket, "commit", id, "odd:committed");
    await remove(socket, id);
    const copy = await container(socket, [], "odd:committed");
    assert.deepEqual(readdirSync(join(copy.root, "tree")), ["alone"]);
    const lines = treeLines(join(copy.root, "own"));
    await remove(socket, copy.id);
    return socket === daemon.socket ? differences(lines, written) : differences(lines, asDockerdSends(written));
  });
  assert.deepEqual(ours, []);
  assert.deepEqual(theirs, []);
});
