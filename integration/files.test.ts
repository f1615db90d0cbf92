import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { Daemon, eventually, sleep, type ApiResponse } from "./harness/daemon.ts";
import { differences, fillWithOddities, treeLines } from "./harness/tree.ts";
import { sendSignal } from "./harness/send-signal.ts";

const folder = mkdtempSync(join(tmpdir(), "pouch-files-"));
const daemon = await Daemon.start();
after(async () => {
  await daemon[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

let made = 0;

/** A folder of the host for one test. */
function freshFolder(): string {
  const path = join(folder, String(made++));
  mkdirSync(path);
  return path;
}

async function create(body: Record<string, unknown> = {}, options: { start?: boolean } = {}): Promise<string> {
  const request = { Image: "busybox", Cmd: ["sleep", "1000"], ...body };
  const answer = await daemon.api("POST", "/containers/create", {
    ...request,
    HostConfig: { NetworkMode: "none", Init: true, ...(body["HostConfig"] as object) },
  });
  assert.equal(answer.status, 201, answer.text);
  const { Id } = answer.json<{ Id: string }>();
  if (options.start ?? true) assert.equal((await daemon.api("POST", `/containers/${Id}/start`)).status, 204);
  return Id;
}

const remove = async (id: string): Promise<void> =>
  assert.equal((await daemon.api("DELETE", `/containers/${id}?force=1&v=1`)).status, 204);

const put = (id: string, path: string, tar: Buffer, query = ""): Promise<ApiResponse> =>
  daemon.api("PUT", `/containers/${id}/archive?path=${encodeURIComponent(path)}${query}`, tar, {
    "Content-Type": "application/x-tar",
  });

async function stat(id: string, path: string): Promise<{ status: number; stat?: Record<string, unknown> }> {
  const { status, headers } = await daemon.api("HEAD", `/containers/${id}/archive?path=${encodeURIComponent(path)}`);
  const encoded = headers["x-docker-container-path-stat"];
  return typeof encoded === "string"
    ? { status, stat: JSON.parse(Buffer.from(encoded, "base64").toString()) as Record<string, unknown> }
    : { status };
}

async function inside(id: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await daemon.docker("exec", id, "sh", "-c", script);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Copies with the docker CLI from one container to another; fails when either side does. */
function copyAcross(from: string, to: string): void {
  const docker = `docker -H unix://${daemon.socket}`;
  const command = `set -o pipefail; ${docker} cp ${from} - | ${docker} cp - ${to}`;
  const { status, stderr } = spawnSync("bash", ["-c", command], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

const workers = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`file-worker\0${daemon.directory}`);
      } catch {
        return false;
      }
    });

/** Workers whose root is not the host's any more: those at work. */
const working = (): number[] =>
  workers().filter((pid) => {
    try {
      return (
        statSync(`/proc/${pid}/root/.`).ino !== statSync("/").ino || statSync(`/proc/${pid}/root/.`).dev !== statSync("/").dev
      );
    } catch {
      return false;
    }
  });

/** What workers mount is seen by nobody else. */
const mounts = (): string[] =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(join(daemon.execRoot, "views")));

for (const [what, start] of [
  ["a running", true],
  ["a stopped", false],
] as const)
  test(`a tree with everything odd in it goes out of ${what} container and into another, and is the same`, async () => {
    const [source, target] = [freshFolder(), freshFolder()];
    fillWithOddities(source);
    const from = await create({ HostConfig: { Binds: [`${source}:/tree:ro`] } }, { start });
    const to = await create({ HostConfig: { Binds: [`${target}:/to`] } }, { start });
    copyAcross(`${from}:/tree/.`, `${to}:/to`);
    // The folder itself is not described by an entry ".": dockerd leaves it, too.
    assert.deepEqual(differences(treeLines(target).slice(1), treeLines(source).slice(1)), []);
    await Promise.all([from, to].map(remove));
  });

test("a file with holes goes through the docker CLI from one container to another", async () => {
  const [from, to] = [await create(), await create()];
  await inside(from, "truncate -s 50000000 /q; printf end >> /q");
  copyAcross(`${from}:/q`, `${to}:/`);
  assert.match(await inside(to, "ls -l /q; tail -c 3 /q"), /50000003[^]*end$/);
  await Promise.all([from, to].map(remove));
});

test("a sparse archive of GNU tar keeps its content and its holes", async () => {
  const [source, target] = [freshFolder(), freshFolder()];
  execFileSync("sh", ["-c", "truncate -s 50M q && printf middle | dd of=q bs=1 seek=20000000 conv=notrunc 2>/dev/null"], {
    cwd: source,
  });
  const to = await create({ HostConfig: { Binds: [`${target}:/to`] } });
  for (const format of ["gnu", "posix"]) {
    const tar = execFileSync("tar", ["-cf", "-", "--sparse", `--format=${format}`, "-C", source, "q"], { maxBuffer: 1 << 26 });
    assert.equal((await put(to, "/to", tar)).status, 200);
    assert.deepEqual(readFileSync(join(target, "q")), readFileSync(join(source, "q")));
    assert.ok(statSync(join(target, "q")).blocks < 1000, "holes stay holes");
    rmSync(join(target, "q"));
  }
  await remove(to);
});

test("copies to the same place at the same time are all whole, and one of them stays", async () => {
  const source = freshFolder();
  writeFileSync(join(source, "content"), Buffer.alloc(300_000, "whole"));
  const tar = execFileSync("tar", ["-C", source, "-cf", "-", "content"], { maxBuffer: 1 << 26 });
  const to = await create();
  const answers = await Promise.all(Array.from({ length: 100 }, () => put(to, "/tmp", tar)));
  assert.deepEqual([...new Set(answers.map(({ status, text }) => `${status} ${text}`))], ["200 "]);
  await remove(to);
});

test("cp -a gives files to the container's user, and without it to the archive's", async () => {
  const source = freshFolder();
  writeFileSync(join(source, "f"), "x");
  const id = await create({ User: "app" });
  const tar = execFileSync("tar", ["-cf", "-", "--owner=4711", "--group=4712", "-C", source, "f"]);
  assert.equal((await put(id, "/tmp", tar)).status, 200);
  assert.equal(await inside(id, "stat -c %u:%g /tmp/f"), "4711:4712\n");
  assert.equal((await put(id, "/tmp", tar, "&copyUIDGID=1")).status, 200);
  assert.equal(await inside(id, "stat -c %u:%g /tmp/f"), "1000:1000\n");
  await remove(id);
});

test("paths mean what they mean to dockerd, in running and stopped containers", async () => {
  const id = await create({ HostConfig: { Tmpfs: { "/memory": "" } } });
  await inside(
    id,
    "mkdir /d; echo content > /d/f; ln -s f /d/rel; ln -s /etc/passwd /d/abs; ln -s nowhere /d/dangling; ln -s ../../../etc/group /d/up; ln -s /d /ld; ln -s loop /loop; echo x > /memory/f",
  );
  const directory = 0o755 + 2 ** 31;
  const link = 0o777 + 2 ** 27;
  const table: Record<string, unknown> = {
    "/": { name: "/", mode: directory, linkTarget: "" },
    "/.": { name: ".", mode: directory, linkTarget: "" },
    "/d": { name: "d", mode: directory, linkTarget: "" },
    "/d/": { name: "d", mode: directory, linkTarget: "" },
    "/d/.": { name: ".", mode: directory, linkTarget: "" },
    "../d/../d/f": { name: "f", mode: 0o644, linkTarget: "", size: 8 },
    "/d/f/": 500,
    "/d/f/x": 500,
    "/d/rel": { name: "rel", mode: link, linkTarget: "/d/f", size: 1 },
    "/ld/rel": { name: "rel", mode: link, linkTarget: "/d/f", size: 1 },
    "/d/rel/": 500,
    "/d/abs": { name: "abs", mode: link, linkTarget: "/etc/passwd", size: 11 },
    "/d/dangling": { name: "dangling", mode: link, linkTarget: "/d/nowhere", size: 7 },
    "/d/dangling/": 404,
    "/d/up": { name: "up", mode: link, linkTarget: "/etc/group", size: 18 },
    "/ld": { name: "ld", mode: link, linkTarget: "/d", size: 2 },
    "/ld/": { name: "ld", mode: directory, linkTarget: "" },
    "/ld/.": { name: ".", mode: directory, linkTarget: "" },
    "/loop": 500,
    "/nope": 404,
    "/proc/version": 404,
    "/sys/kernel": 404,
    "/dev/null": 404,
  };
  const check = async (state: string, paths = Object.keys(table)): Promise<void> => {
    for (const path of paths) {
      const expected = table[path];
      const { status, stat: found } = await stat(id, path);
      if (typeof expected === "number") assert.equal(status, expected, `${state}: ${path}`);
      else {
        // A folder's size is its file system's business, a time's this test's.
        const { mtime: _mtime, size, ...rest } = found ?? {};
        const isFolder = Number(rest["mode"]) >= 2 ** 31;
        assert.deepEqual(
          isFolder ? rest : { size, ...rest },
          isFolder ? expected : { ...(expected as object) },
          `${state}: ${path}`,
        );
      }
    }
  };
  await check("running");
  assert.equal((await stat(id, "/memory/f")).status, 200);
  assert.equal((await daemon.api("POST", `/containers/${id}/stop?t=0`)).status, 204);
  // The same resolution in another root: one of each kind will do.
  await check("stopped", ["/", "/d/f/", "/d/up", "/ld/.", "/loop", "/nope", "/proc/version"]);
  const listed = (path: string): Promise<string[]> => entriesIn(id, path);
  assert.deepEqual((await listed("/d")).slice(0, 3), ["d/", "d/abs", "d/dangling"]);
  assert.deepEqual((await listed("/d/.")).slice(0, 2), ["./", "./abs"]);
  assert.deepEqual(await listed("/ld"), ["ld"]);
  assert.deepEqual((await listed("/ld/")).slice(0, 2), ["ld/", "ld/abs"]);
  assert.deepEqual((await listed("/")).slice(0, 3), ["/", "/.dockerenv", "/bin/"]);
  await remove(id);
});

async function entriesIn(id: string, path: string): Promise<string[]> {
  const { stdout } = spawnSync(
    "bash",
    ["-c", `curl -sf --unix-socket ${daemon.socket} 'http://d/containers/${id}/archive?path=${path}' | tar -Ptf -`],
    { encoding: "utf8" },
  );
  return stdout.trimEnd().split("\n");
}

test("what an archive may not do, and one that is damaged, is an error in dockerd's words, and nothing is half told", async () => {
  const source = freshFolder();
  writeFileSync(join(source, "one"), randomBytes(200_000));
  mkdirSync(join(source, "sub"));
  const tar = execFileSync("tar", ["-cf", "-", "-C", source, "one", "sub"], { maxBuffer: 1 << 24 });
  const packed = {
    gzip: gzipSync(tar),
    zstd: zstdCompressSync(tar),
    bzip2: execFileSync("bzip2", ["-c"], { input: tar, maxBuffer: 1 << 24 }),
    xz: execFileSync("xz", ["-c"], { input: tar, maxBuffer: 1 << 24 }),
  };
  const id = await create({ HostConfig: { Binds: ["readonly:/vol:ro"] } });
  await inside(id, "mkdir /d /d/sub; echo x > /d/file");
  const failed = (why: string) => ({ status: 500, text: `Error processing tar file(exit status 1): ${why}` });
  const answer = async (...request: Parameters<typeof put>) => {
    const { status, text } = await put(...request);
    return status === 200 ? { status } : { status, text: (JSON.parse(text) as { message: string }).message };
  };
  for (const [format, archive] of Object.entries(packed)) {
    assert.deepEqual(await answer(id, "/d", archive), { status: 200 }, format);
    assert.equal(await inside(id, "wc -c < /d/one; rm /d/one"), "200000\n");
    for (const kept of [10, 40, 1000, archive.length - 20])
      assert.deepEqual(await answer(id, "/d", archive.subarray(0, kept)), failed("unexpected EOF"), `${format}, ${kept} bytes`);
    const corrupt = Buffer.concat([archive.subarray(0, 60), randomBytes(140_000)]);
    assert.equal((await answer(id, "/d", corrupt)).status, 500, `${format}, corrupt`);
  }
  assert.deepEqual(await answer(id, "/d", tar.subarray(0, 100_000)), failed("unexpected EOF"));
  assert.deepEqual(await answer(id, "/d", tar.subarray(0, 100)), failed("unexpected EOF"));
  assert.deepEqual(await answer(id, "/d", randomBytes(4096)), failed("archive/tar: invalid tar header"));
  assert.deepEqual(await answer(id, "/d", Buffer.alloc(0)), { status: 200 });
  assert.deepEqual(await answer(id, "/d/file", tar), { status: 400, text: "extraction point is not a directory" });
  assert.deepEqual(await answer(id, "/vol", tar), { status: 400, text: "mounted volume is marked read-only" });
  const { Name } = (await daemon.api("GET", `/containers/${id}/json`)).json<{ Name: string }>();
  assert.deepEqual(await answer(id, "/nope", tar), {
    status: 404,
    text: `Could not find the file /nope in container ${Name.slice(1)}`,
  });
  const over = execFileSync("tar", ["-cf", "-", "-C", source, "--transform=s,one,sub,", "one"], { maxBuffer: 1 << 24 });
  assert.deepEqual(
    await answer(id, "/d", over, "&noOverwriteDirNonDir=1"),
    failed('cannot overwrite directory "/d/sub" with non-directory "/d"'),
  );
  assert.deepEqual(await answer(id, "/d", over), { status: 200 });
  const outside = execFileSync("tar", ["-cPf", "-", "-C", source, "--transform=s,one,../evil,", "one"], { maxBuffer: 1 << 24 });
  assert.deepEqual(await answer(id, "/d", outside), failed('"../evil" is outside of "/d"'));
  await remove(id);
  const locked = await create({ HostConfig: { ReadonlyRootfs: true } });
  assert.deepEqual(await answer(locked, "/tmp", tar), { status: 400, text: "container rootfs is marked read-only" });
  await remove(locked);
});

test("without the program for an archive's compression the error names it", async () => {
  const binaries = freshFolder();
  for (const place of ["/bin", "/usr/bin", "/sbin", "/usr/sbin"])
    for (const name of readdirSync(place))
      if (!/^(bzip2|xz)/.test(name) && !existsSync(join(binaries, name))) symlinkSync(join(place, name), join(binaries, name));
  await using poor = await Daemon.start({ env: { PATH: binaries } });
  const created = await poor.api("POST", "/containers/create", { Image: "busybox", HostConfig: { NetworkMode: "none" } });
  const { Id } = created.json<{ Id: string }>();
  for (const [program, packageName] of Object.entries({ bzip2: "bzip2", xz: "xz-utils" })) {
    const archive = execFileSync(program, ["-c"], { input: Buffer.alloc(10240) });
    const { status, text } = await poor.api("PUT", `/containers/${Id}/archive?path=/tmp`, archive, {
      "Content-Type": "application/x-tar",
    });
    assert.deepEqual(
      [status, JSON.parse(text)],
      [503, { message: `the program "${program}" is not installed (package ${packageName})` }],
    );
  }
});

test("links of a container lead nowhere but into it: not those of the host's proc either", async () => {
  const secret = join(freshFolder(), "secret");
  writeFileSync(secret, "of the host");
  const tar = execFileSync("tar", ["-cf", "-", "-C", join(secret, ".."), "secret"]);
  const id = await create({ HostConfig: { PidMode: "host", Binds: ["/proc:/hostproc"] } });
  const [links, outside] = [["/proc/1/root", "/hostproc/1/root", "/hostproc/self/root", "/proc/self/cwd"], join(secret, "..")];
  for (const [index, link] of links.entries()) {
    await inside(id, `ln -s ${link}${outside} /l${index}`);
    assert.equal((await stat(id, `/l${index}/secret`)).status, 404, link);
    assert.equal((await put(id, `/l${index}`, tar)).status, 404, link);
    assert.equal((await put(id, `/l${index}/.`, tar)).status, 404, link);
  }
  assert.equal(readFileSync(secret, "utf8"), "of the host");
  await remove(id);
});

test("volumes and binds of a container that does not run are in its place, and their mounts nobody else's", async () => {
  const source = freshFolder();
  writeFileSync(join(source, "bound"), "b");
  const id = await create({ HostConfig: { Binds: ["data:/data", `${source}:/deep/er/bind:ro`] } }, { start: false });
  const tar = execFileSync("tar", ["-cf", "-", "-C", source, "bound"]);
  assert.equal((await put(id, "/data", tar)).status, 200);
  assert.equal((await stat(id, "/data/bound")).status, 200);
  assert.equal((await stat(id, "/deep/er/bind/bound")).status, 200);
  assert.equal((await put(id, "/deep/er/bind", tar)).status, 400);
  const volume = (await daemon.api("GET", "/volumes/data")).json<{ Mountpoint: string }>();
  assert.equal(readFileSync(join(volume.Mountpoint, "bound"), "utf8"), "b");
  assert.deepEqual(mounts(), []);
  await remove(id);
  assert.equal((await daemon.api("DELETE", "/volumes/data")).status, 204);
});

test("export has the layers alone: no volume, no mount, and what is below them", async () => {
  const id = await create({ HostConfig: { Binds: ["exported:/etc"], Tmpfs: { "/tmp": "" } } });
  await inside(id, "echo v > /etc/only-in-volume; echo t > /tmp/only-in-memory; echo l > /in-layer");
  const exported = (): string[] =>
    execFileSync("bash", ["-c", `docker -H unix://${daemon.socket} export ${id} | tar -tf -`], { encoding: "utf8" })
      .trimEnd()
      .split("\n");
  const check = (names: string[]): void => {
    assert.ok(names.includes("in-layer") && names.includes("etc/passwd") && names.includes("tmp/"), "what the layers have");
    assert.deepEqual(
      names.filter((name) => name.includes("only-in") || /^(proc|sys|dev)\/./.test(name)),
      [],
    );
    assert.deepEqual(
      names,
      names.toSorted((one, other) =>
        Buffer.compare(Buffer.from(one.replaceAll("/", "\0")), Buffer.from(other.replaceAll("/", "\0"))),
      ),
    );
  };
  check(exported());
  await daemon.api("POST", `/containers/${id}/stop?t=0`);
  check(exported());
  await remove(id);
});

test("changes are told with names that are no text, and folders made anew hide what was below", async () => {
  const id = await create({ HostConfig: { Init: false } });
  await inside(
    id,
    `touch "/$(printf 'a\\377')" "/$(printf 'a\\376')"; rm /etc/group; rm -r /home; mkdir -p /home/new; echo x >> /etc/passwd`,
  );
  const changed = (await daemon.api("GET", `/containers/${id}/changes`)).json<{ Path: string; Kind: number }[]>();
  assert.deepEqual(changed, [
    { Path: "/a\ufffd", Kind: 1 },
    { Path: "/a\ufffd", Kind: 1 },
    { Path: "/etc", Kind: 0 },
    { Path: "/etc/group", Kind: 2 },
    { Path: "/etc/passwd", Kind: 0 },
    { Path: "/home", Kind: 0 },
    { Path: "/home/new", Kind: 1 },
  ]);
  await remove(id);
});

test("a container that changes more than can be listed is told so, and the daemon goes on", async () => {
  const id = await create({ HostConfig: { Init: false } });
  const name = "d".repeat(250);
  await inside(id, `mkdir /deep; cd /deep; for i in $(seq 15); do mkdir ${name}; cd ${name}; done; seq 40000 | xargs touch`);
  const changed = await daemon.api("GET", `/containers/${id}/changes`);
  assert.equal(changed.status, 500, changed.text.slice(0, 1000));
  assert.match(changed.text, /at most 1000000 are listed, with 134217728 bytes of paths; export the container to see its files/);
  await inside(id, "rm -r /deep");
  await remove(id);
});

test("the places made for mounts are changes; what is mounted there is none", async () => {
  const id = await create({
    HostConfig: { Init: false, Binds: ["/:/data/bound:ro"], Tmpfs: { "/fresh": "" } },
    Volumes: { "/etc/deep": {} },
  });
  await inside(id, "touch /etc/deep/file /fresh/file");
  const changed = (await daemon.api("GET", `/containers/${id}/changes`)).json<{ Path: string; Kind: number }[]>();
  assert.deepEqual(changed, [
    { Path: "/data", Kind: 1 },
    { Path: "/data/bound", Kind: 1 },
    { Path: "/etc", Kind: 0 },
    { Path: "/etc/deep", Kind: 1 },
    { Path: "/fresh", Kind: 1 },
  ]);
  await remove(id);
});

test("a volume takes over what the image has, its folder's owner and mode too; its size counts no link and waits for no FIFO", async () => {
  const prepared = await create();
  await inside(
    prepared,
    "mkdir /seed; chmod 2750 /seed; chown 5:6 /seed; echo content > /seed/f; chown 7:8 /seed/f; chmod 4755 /seed/f; ln -s /etc /seed/link; ln /seed/f /seed/hard",
  );
  await remove(prepared);
  const id = await create({ HostConfig: { Binds: ["filled:/etc"] } });
  assert.match(await inside(id, "ls /etc"), /passwd/);
  await inside(
    id,
    "mkfifo /etc/fifo; ln -s / /etc/root; ln -s /hostfile /etc/elsewhere; truncate -s 1000000 /etc/holes; ln /etc/holes /etc/again",
  );
  const used = (await daemon.api("GET", "/system/df")).json<{ Volumes: { Name: string; UsageData: { Size: number } }[] }>();
  const size = used.Volumes.find(({ Name }) => Name === "filled")?.UsageData.Size ?? 0;
  assert.ok(size > 1_000_000 && size < 1_100_000, `${size} bytes`);
  await remove(id);
  await daemon.api("DELETE", "/volumes/filled");
});

test("the sizes of folders that go away meanwhile are told as 0, and those of the others rightly", async () => {
  const volumes = Array.from({ length: 40 }, (_, index) => `fleeting-${index}`);
  for (const Name of [...volumes, "lasting"]) await daemon.api("POST", "/volumes/create", { Name });
  const folder = (name: string): string => join(daemon.homeDirectory, "volumes", name, "_data");
  writeFileSync(join(folder("lasting"), "file"), "12345");
  const remover = spawn("sh", ["-c", "while :; do rmdir $FOLDERS; mkdir $FOLDERS; done 2>/dev/null"], {
    env: { ...process.env, FOLDERS: volumes.map(folder).join(" ") },
  });
  try {
    for (let times = 0; times < 25; times++) {
      const told = await daemon.api("GET", "/system/df?type=volume");
      assert.equal(told.status, 200, told.text);
      const { Volumes } = told.json<{ Volumes: { Name: string; UsageData: { Size: number } }[] }>();
      assert.equal(Volumes.find(({ Name }) => Name === "lasting")?.UsageData.Size, 5);
    }
  } finally {
    remover.kill();
    await once(remover, "exit");
  }
  for (const name of [...volumes, "lasting"]) await daemon.api("DELETE", `/volumes/${name}`);
});

test("cp at the moment of an exit finds the files in one state or the other", async () => {
  for (let round = 0; round < 5; round++) {
    const id = await create({ Cmd: ["sh", "-c", `echo ${round} > /result; sleep 0.0${round % 5}`] });
    const asked: Promise<{ status: number }>[] = [];
    for (let index = 0; index < 4; index++) {
      asked.push(stat(id, "/etc/passwd"), put(id, "/tmp", execFileSync("tar", ["-cf", "-", "-T", "/dev/null"])));
      await sleep(10);
    }
    assert.deepEqual(new Set((await Promise.all(asked)).map(({ status }) => status)), new Set([200]));
    await daemon.api("POST", `/containers/${id}/wait`);
    assert.equal((await stat(id, "/result")).status, 200);
    assert.equal((await daemon.api("POST", `/containers/${id}/start`)).status, 204);
    await remove(id);
  }
  assert.deepEqual(mounts(), []);
});

test("a worker killed in the middle is an error for its client, and nothing of it stays", async () => {
  const id = await create({}, { start: false });
  const upload = http.request({
    socketPath: daemon.socket,
    method: "PUT",
    path: `/containers/${id}/archive?path=/tmp`,
    headers: { "Content-Type": "application/x-tar" },
  });
  const answered = new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    upload.once("error", reject);
    upload.once("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.once("end", () => resolve({ status: response.statusCode, text }));
    });
  });
  upload.write(execFileSync("tar", ["-cf", "-", "-C", "/bin", "busybox"], { maxBuffer: 1 << 26 }).subarray(0, 300_000));
  const workers = () =>
    eventually("a worker is at work", () => {
      const pids = working();
      return pids.length > 0 && pids;
    });
  const [pid] = await workers();
  sendSignal(pid, "SIGKILL");
  const { status, text } = await answered;
  assert.equal(status, 500);
  assert.match(text, /work on a container's files was cut short: killed by SIGKILL/);
  upload.destroy();
  assert.equal((await daemon.api("POST", `/containers/${id}/start`)).status, 204, "the container can be used at once");

  await inside(id, "dd if=/dev/zero of=/big bs=1M count=100 2>/dev/null");
  const broken = await new Promise<string>((resolve, reject) => {
    const request = http.get({ socketPath: daemon.socket, path: `/containers/${id}/archive?path=/big` }, (response) => {
      response.once("data", () => void workers().then(([worker]) => sendSignal(worker, "SIGKILL"), reject));
      response.once("end", () => resolve(response.complete ? "a whole answer" : "cut off"));
      response.once("error", (error) => resolve(error.message));
    });
    request.once("error", reject);
  });
  assert.equal(broken, "aborted");
  await remove(id);
  await eventually("no worker is at work", () => working().length === 0);
  assert.deepEqual(mounts(), []);
});

test("a client that goes away ends its worker, and the container can be removed", async () => {
  const id = await create({}, { start: false });
  for (const method of ["PUT", "GET"]) {
    const path = method === "PUT" ? "/tmp" : "/";
    const request = http.request({ socketPath: daemon.socket, method, path: `/containers/${id}/archive?path=${path}` });
    request.on("error", () => undefined);
    request.on("response", (response) => response.pause());
    if (method === "PUT") request.write(Buffer.alloc(100));
    else request.end();
    await eventually("a worker is at work", () => working().length > 0);
    request.destroy();
    await eventually("no worker is at work", () => working().length === 0);
  }
  await remove(id);
});

test("no worker waits for work for long", async () => {
  await eventually("the spare one is gone", () => workers().length === 0);
});
