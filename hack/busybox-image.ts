/**
 * Makes a small image from the machine's static busybox, without any network: a docker-archive that `load` takes.
 * As a command: `node hack/busybox-image.ts OUTPUT.tar [NAME:TAG]`.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface ImageRecipe {
  /** Reference the archive carries. */
  name: string;
  /** Extra files of the top layer, path in the image → content. */
  files?: Record<string, string>;
  /** Files of this machine the image has at the same path: a program and its libraries. */
  copies?: string[];
  /** Makes of the image's root file system what else it is to be, links and devices included. */
  change?: (rootfs: string) => void;
  /** The layer has owners, times and attributes as `change` made them; default: all root's, and of one time. */
  asMade?: boolean;
  /** Fields of the image configuration (`Cmd`, `Env`, `Volumes`…). */
  config?: Record<string, unknown>;
}

/** Where Debian's busybox-static puts the binary. */
const busybox = "/bin/busybox";

const passwd = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\napp:x:1000:1000:app:/home/app:/bin/sh\n";
const group = "root:x:0:\ndaemon:x:1:\napp:x:1000:\nextra:x:2000:app\n";

/** Writes the docker-archive of the recipe to `output`. */
export function makeImageArchive(output: string, recipe: ImageRecipe): void {
  const work = mkdtempSync(join(tmpdir(), "pouch-image-"));
  try {
    const rootfs = join(work, "rootfs");
    writeRootfs(rootfs, recipe.files ?? {});
    for (const path of recipe.copies ?? []) {
      mkdirSync(join(rootfs, dirname(path)), { recursive: true });
      copyFileSync(path, join(rootfs, path));
    }
    recipe.change?.(rootfs);
    const layer = join(work, "layer.tar");
    tar(layer, rootfs, ["."], recipe.asMade ? asMade : reproducible);
    const diffId = sha256(readFileSync(layer));
    const config = JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      created: "2024-01-01T00:00:00Z",
      config: { Env: ["PATH=/bin:/sbin:/usr/bin:/usr/sbin"], Cmd: ["sh"], ...recipe.config },
      rootfs: { type: "layers", diff_ids: [`sha256:${diffId}`] },
      history: [{ created: "2024-01-01T00:00:00Z", created_by: "static busybox" }],
    });
    const configFile = `${sha256(Buffer.from(config))}.json`;
    writeFileSync(join(work, configFile), config);
    writeFileSync(
      join(work, "manifest.json"),
      JSON.stringify([{ Config: configFile, RepoTags: [recipe.name], Layers: ["layer.tar"] }]),
    );
    tar(output, work, ["manifest.json", configFile, "layer.tar"]);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Fills a folder with a root file system: busybox, its applets, users, the usual folders. */
export function writeRootfs(rootfs: string, files: Record<string, string> = {}): void {
  if (!existsSync(busybox)) throw new Error(`${busybox} is missing: install the Debian package busybox-static`);
  for (const folder of [
    "bin",
    "sbin",
    "usr/bin",
    "usr/sbin",
    "etc",
    "root",
    "home/app",
    "tmp",
    "var/tmp",
    "proc",
    "sys",
    "dev",
  ]) {
    mkdirSync(join(rootfs, folder), { recursive: true });
  }
  chmodSync(join(rootfs, "tmp"), 0o1777);
  copyFileSync(busybox, join(rootfs, "bin/busybox"));
  chmodSync(join(rootfs, "bin/busybox"), 0o755);
  for (const applet of execFileSync(busybox, ["--list"], { encoding: "utf8" }).split("\n")) {
    if (applet !== "" && applet !== "busybox") symlinkSync("busybox", join(rootfs, "bin", applet));
  }
  for (const [path, content] of Object.entries({ "etc/passwd": passwd, "etc/group": group, ...files })) {
    const file = join(rootfs, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    if (content.startsWith("#!")) chmodSync(file, 0o755);
  }
}

const reproducible = ["--sort=name", "--mtime=@1704067200", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
const asMade = ["--sort=name", "--numeric-owner", "--format=pax", "--xattrs", "--xattrs-include=*", "--acls"];

function tar(output: string, folder: string, members: string[], options = reproducible): void {
  execFileSync("tar", [...options, "-C", folder, "-cf", output, ...members]);
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

if (process.argv[1] === import.meta.filename) {
  const [output, name = "busybox:latest"] = process.argv.slice(2);
  if (!output) {
    console.error("usage: busybox-image OUTPUT.tar [NAME:TAG]");
    process.exit(2);
  }
  makeImageArchive(output, { name });
}
