/**
 * What the runtime mounts over, in images and containers that have links, files or nothing there. The right values are those of
 * dockerd 20.10 with the same images; what the links lead to on the host stays untouched.
 */
import assert from "node:assert/strict";
import { lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { makeImageArchive, type ImageRecipe } from "../hack/busybox-image.ts";
import { Daemon, type CommandResult } from "./harness/daemon.ts";
import { WatchedTree } from "./harness/watched-tree.ts";

let daemon: Daemon;
let images = 0;

before(async () => {
  daemon = await Daemon.start({ image: false });
});

after(async () => {
  await daemon[Symbol.asyncDispose]();
});

/** The container's root, changed before it becomes an image; `tree` is a folder of the host. */
type Change = (rootfs: string, tree: string) => void;

const replace = (path: string, make: (place: string, tree: string) => void): Change => {
  return (rootfs, tree) => {
    rmSync(join(rootfs, path), { recursive: true, force: true });
    make(join(rootfs, path), tree);
  };
};
const link = (path: string): Change => replace(path, (place, tree) => symlinkSync(tree, place));
const linkUpwards = (path: string): Change =>
  replace(path, (place, tree) => symlinkSync(`${"../".repeat(20)}${relative("/", tree)}`, place));
const file = (path: string): Change => replace(path, (place) => writeFileSync(place, "a file"));
const linkInside = (path: string): Change =>
  replace(path, (place) => {
    symlinkSync(`${path.split("/").at(-1)}.real`, place);
    mkdirSync(`${place}.real`);
  });

async function load(change: Change, recipe: Partial<ImageRecipe> = {}): Promise<{ image: string; watched: WatchedTree }> {
  const image = `odd:${images++}`;
  const watched = new WatchedTree(join(daemon.directory, `tree-${images}`));
  const archive = join(daemon.directory, "odd.tar");
  makeImageArchive(archive, { name: image, change: (rootfs) => change(rootfs, watched.root), ...recipe });
  await daemon.load(archive);
  return { image, watched };
}

/** What the container sees, one word a path. */
const look = `
  [ -f /.dockerenv ] || echo wrong: /.dockerenv
  for path in /proc /sys /dev /etc; do [ -d $path ] && [ ! -L $path ] || echo wrong: $path; done
  for path in /etc/hosts /etc/hostname /etc/resolv.conf; do [ -f $path ] && [ ! -L $path ] || echo wrong: $path; done
  for path in /dev/fd /dev/stdin /dev/ptmx; do [ -L $path ] || echo wrong: $path; done
  [ -c /dev/null ] && [ -d /dev/pts ] && [ -d /dev/shm ] && [ -r /proc/self/status ] && [ -d /sys/fs ] || echo wrong
  grep -q localhost /etc/hosts || echo wrong: hosts`;

async function changes(container: string): Promise<string[]> {
  const answer = await daemon.api("GET", `/containers/${container}/changes`);
  return (answer.json<{ Path: string; Kind: number }[] | null>() ?? []).map(({ Path, Kind }) => `${"CAD"[Kind]} ${Path}`);
}

const succeeded = ({ code, stdout, stderr }: CommandResult): void => assert.deepEqual([code, stdout, stderr], [0, "", ""]);

for (const [name, change] of [
  ["a /dev that is a link to a folder of the host", link("dev")],
  ["a /dev that is a link out of the root", linkUpwards("dev")],
  ["a /dev that is a link to a folder of the image", linkInside("dev")],
  ["a /dev that is a file", file("dev")],
  ["a /proc that is a link", link("proc")],
  ["a /proc that is a file", file("proc")],
  ["a /sys that is a link", link("sys")],
  ["an /etc that is a link", link("etc")],
  ["an /etc that is a file", file("etc")],
  [
    "files of the network that are links",
    (rootfs, tree) => {
      link("etc/hosts")(rootfs, join(tree, "secret"));
      linkUpwards("etc/resolv.conf")(rootfs, join(tree, "not-there"));
      linkUpwards("etc/hostname")(rootfs, tree);
    },
  ],
] satisfies [string, Change][]) {
  test(`${name}: replaced in the container, and nothing of the host`, async () => {
    const { image, watched } = await load(change);
    const container = `odd-${images}`;
    succeeded(await daemon.docker("run", "--name", container, image, "/bin/busybox", "sh", "-c", look));
    assert.deepEqual(await changes(container), [], "nothing that the container did");
    assert.deepEqual(watched.differences(), []);
  });
}

test("a second container of the image begins where the first one did, whatever its options", async () => {
  const { image, watched } = await load(link("dev"));
  for (const options of [["--read-only"], ["--privileged"], ["--ipc", "shareable"]])
    succeeded(await daemon.docker("run", "--rm", ...options, image, "sh", "-c", look));
  assert.deepEqual(watched.differences(), []);
});

test("a container whose files are changed while it does not run is looked at again", async () => {
  const { image, watched } = await load(() => undefined);
  assert.equal((await daemon.docker("create", "--name", "changed", image, "sh", "-c", look)).code, 0);
  for (const linkname of [watched.root, `${"../".repeat(20)}${relative("/", watched.root)}`]) {
    const tar = pack();
    for (const name of ["dev", "proc", "sys"]) tar.entry({ name, type: "symlink", linkname });
    tar.finalize();
    const put = await daemon.api("PUT", "/containers/changed/archive?path=/", await buffer(tar));
    assert.equal(put.status, 200, put.text);
    succeeded(await daemon.docker("start", "--attach", "changed"));
  }
  assert.deepEqual(watched.differences(), []);
});

test("binds, tmpfs, volumes and the init go through links inside the root", async () => {
  const { image, watched } = await load(link("lnk"), { config: { Volumes: { "/lnk/volume": {} } } });
  const seen = 'for m in bind volume tmpfs; do grep -q " $0/$m " /proc/self/mounts || echo not mounted: $m; done';
  const mounts = ["-v", `${daemon.directory}:/lnk/bind`, "--tmpfs", "/lnk/tmpfs", "--init"];
  succeeded(await daemon.docker("run", "--rm", ...mounts, image, "sh", "-c", seen, watched.root));
  assert.deepEqual(watched.differences(), []);
});

test("a working directory is made through links that lead nowhere, inside the root", async () => {
  const { image, watched } = await load(link("lnk"));
  const { code, stdout, stderr } = await daemon.docker("run", "--name", "works", "-w", "/lnk/new/er", image, "pwd");
  assert.deepEqual([code, stdout, stderr], [0, `${watched.root}/new/er\n`, ""]);
  assert.ok((await changes("works")).includes(`A ${watched.root}/new/er`), "as dockerd shows it");
  assert.equal(lstatSync(watched.root).isDirectory(), true);
  assert.deepEqual(watched.differences(), []);
});
