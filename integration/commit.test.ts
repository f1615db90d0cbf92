/** `commit` and `import` beside dockerd's: what is in the image, how it is told, and what is left when they are cut short. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connectContainerd } from "@pouchcontainer/containerd";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { BothEngines, docker } from "./harness/both-engines.ts";
import { type Daemon, dockerCommand, eventually, run, sleep } from "./harness/daemon.ts";
import type { Dockerd } from "./harness/dockerd.ts";

let both: BothEngines;
let daemon: Daemon;
let dockerd: Dockerd;
let folder: string;

before(async () => {
  both = await BothEngines.start();
  ({ daemon, dockerd, folder } = both);
  const archive = join(folder, "busybox.tar");
  makeImageArchive(archive, { name: "busybox:latest" });
  await docker(dockerd.socket, "load", "-q", "-i", archive);
});

after(() => both?.[Symbol.asyncDispose]());

interface Inspected {
  Config: Record<string, unknown>;
  Author: string;
  Comment: string;
  RootFS: { Layers: string[] };
}

const inspect = async (socket: string, image: string): Promise<Inspected> =>
  (JSON.parse(await docker(socket, "image", "inspect", image)) as [Inspected])[0];

const changes = [
  'CMD ["sh", "-c", "echo $A $B"]',
  "ENV A=$A:2 B='x  y'",
  "ENV C the rest of $A",
  "EXPOSE 80 90-91/udp",
  'LABEL k=v two="2 $B"',
  "USER 1:2",
  "VOLUME /v $HOME/w",
  "WORKDIR sub/$A",
  "WORKDIR more",
  "HEALTHCHECK --interval=1m30s --retries=2 CMD test -e /x",
  "ONBUILD RUN echo $A",
];

test("an image has the container's configuration, changed as asked, and its step in the history", async () => {
  const { ours, theirs } = await both.each(async (socket) => {
    const script = "mkdir -p /x/y; echo hi >/x/y/f; rm /bin/ls; echo k >/data/no; exec sleep 300";
    const options = ["--network", "none", "-h", "box", "-e", "A=1", "-e", "HOME=/h", "-v", "/data", "--stop-timeout", "3", "-t"];
    const id = await docker(socket, "run", "-d", ...options, "busybox", "sh", "-c", script);
    await eventually("it has written", async () => (await docker(socket, "diff", id)).includes("A /x/y/f"));
    await docker(socket, "commit", id, "as:is");
    await docker(socket, "commit", "-a", "me", "-m", "words", ...changes.flatMap((change) => ["-c", change]), id, "as:asked");
    await docker(socket, "commit", "-c", 'ENTRYPOINT ["echo", "entered"]', id, "as:entered");
    const said = [
      await docker(socket, "run", "--rm", "--network", "none", "as:asked"),
      await docker(socket, "run", "--rm", "--network", "none", "as:entered"),
      await docker(socket, "run", "--rm", "--network", "none", "as:is", "sh", "-c", "cat /x/y/f; test -e /bin/ls || find /data"),
    ];
    const history = await docker(socket, "history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", "as:asked");
    const images = await Promise.all(["as:is", "as:asked", "as:entered"].map((name) => inspect(socket, name)));
    await docker(socket, "rm", "-fv", id);
    return {
      said,
      history,
      images: images.map(({ Config, Author, Comment, RootFS }) => ({
        // Of the container's own variables dockerd's order is any.
        config: { ...Config, Hostname: "", Image: "", Env: (Config["Env"] as string[]).toSorted() },
        Author,
        Comment,
        layers: RootFS.Layers.length,
      })),
    };
  });
  assert.deepEqual(ours, theirs);
  assert.deepEqual(ours.said, ["1:2 x y", "entered", "hi\n/data"]);
});

test("what cannot be committed is refused in dockerd's words, and nothing is frozen or left of it", async () => {
  const { ours, theirs } = await both.each(async (socket) => {
    await docker(socket, "run", "-d", "--name", "refused", "--network", "none", "busybox", "sleep", "300");
    const attempts = [
      ["nosuch"],
      ["-c", "RUN x", "refused"],
      ["-c", "FOO x", "refused"],
      ["-c", "ENV", "refused"],
      ["-c", "ENV A", "refused"],
      ["-c", "ENV A=1 B", "refused"],
      ["-c", "LABEL a='b", "refused"],
      ["-c", "ONBUILD FROM x", "refused"],
      ["-c", "ONBUILD ONBUILD CMD x", "refused"],
      ["-c", "HEALTHCHECK NONE x", "refused"],
      ["-c", "HEALTHCHECK TEST x", "refused"],
      ["-c", "WORKDIR ${A", "refused"],
      ["refused", "Bad:Name:x"],
      ["refused", `name@sha256:${"a".repeat(64)}`],
    ];
    const answers: string[] = [];
    for (const args of attempts) {
      const { code, stderr } = await run(dockerCommand, ["-H", `unix://${socket}`, "commit", ...args]);
      answers.push(`${code} ${stderr.trim()}`);
    }
    const state = await docker(socket, "inspect", "--format", "{{.State.Status}}", "refused");
    await docker(socket, "rm", "-f", "refused");
    return { answers, state };
  });
  assert.deepEqual(ours, theirs);
  assert.equal(ours.state, "running");
});

test("a container whose snapshotter copies its image has no layer of its own to commit or to tell changes of", async () => {
  const { code, stdout, stderr } = await daemon.pouch("run", "-d", "--snapshotter", "native", "busybox", "sleep", "300");
  assert.equal(code, 0, stderr);
  const id = stdout.trim();
  const answers = [await daemon.docker("commit", id), await daemon.docker("diff", id)];
  assert.deepEqual(
    answers.map((answer) => `${answer.code} ${answer.stderr.trim()}`),
    [
      "1 Error response from daemon: a container of snapshotter native cannot be committed",
      "1 Error response from daemon: changes cannot be told with snapshotter native",
    ],
  );
  assert.equal(await docker(daemon.socket, "inspect", "--format", "{{.State.Status}}", id), "running");
  await docker(daemon.socket, "rm", "-f", id);
});

test("a commit without a pause freezes nothing, one of what stands still neither; without changes there is no new layer", async () => {
  const { ours, theirs } = await both.each(async (socket) => {
    const id = await docker(socket, "run", "-d", "--name", "quiet", "--network", "none", "busybox", "sleep", "300");
    await docker(socket, "commit", "-p=false", id, "quiet:1");
    await docker(socket, "pause", id);
    await docker(socket, "commit", id, "quiet:2");
    const state = await docker(socket, "inspect", "--format", "{{.State.Status}}", id);
    await docker(socket, "unpause", id);
    await docker(socket, "stop", "-t", "0", id);
    await docker(socket, "commit", id, "quiet:3");
    await docker(socket, "start", id);
    await docker(socket, "commit", id);
    const format = '{{.Action}} {{index .Actor.Attributes "comment"}} {{index .Actor.Attributes "imageRef"}}';
    const events = await docker(
      socket,
      "events",
      "--since",
      "1h",
      "--until",
      String(Math.floor(Date.now() / 1000) + 1),
      "--filter",
      `container=${id}`,
      "--format",
      format,
    );
    const layers = await Promise.all(
      ["busybox", "quiet:1", "quiet:2", "quiet:3"].map(async (name) => (await inspect(socket, name)).RootFS.Layers.length),
    );
    await docker(socket, "rm", "-f", id);
    return { state, layers, events: events.split("\n").filter((line) => /^(commit|pause|unpause)/.test(line)) };
  });
  assert.deepEqual(ours, theirs);
  assert.deepEqual(ours.layers, [1, 1, 1, 1]);
});

/** Names of the files in the uppermost layer of an image. */
async function filesInTopLayer(socket: string, image: string): Promise<string[]> {
  const archive = join(folder, `saved-${socket === daemon.socket ? "ours" : "theirs"}.tar`);
  await docker(socket, "save", "-o", archive, image);
  const read = (name: string): Buffer => execFileSync("tar", ["-xOf", archive, name], { maxBuffer: 1 << 26 });
  const [{ Layers = [] } = {}] = JSON.parse(read("manifest.json").toString()) as { Layers?: string[] }[];
  const listed = execFileSync("tar", ["-t"], { input: read(Layers.at(-1) ?? ""), encoding: "utf8" });
  return listed.split("\n").filter((name) => name !== "" && !name.endsWith("/"));
}

test("what somebody put where the runtime mounts is in the image, what the runtime put there is not", async () => {
  const tree = join(folder, "bare");
  mkdirSync(join(tree, "bin"), { recursive: true });
  for (const name of ["etc", "dev"]) mkdirSync(join(tree, name));
  execFileSync("cp", ["/bin/busybox", join(tree, "bin/busybox")]);
  const note = join(folder, "note");
  writeFileSync(note, "note\n");
  execFileSync("tar", ["-C", tree, "-cf", `${tree}.tar`, "."]);
  const { ours, theirs } = await both.each(async (socket) => {
    await docker(socket, "import", `${tree}.tar`, "bare");
    await docker(socket, "run", "--name", "changed", "--network", "none", "bare", "busybox", "chmod", "700", "/etc");
    await docker(socket, "commit", "changed", "changed:1");
    const mode = await docker(socket, "run", "--rm", "--network", "none", "changed:1", "busybox", "stat", "-c", "%a", "/etc");
    await docker(socket, "run", "--name", "same", "--network", "none", "bare", "busybox", "true");
    const same = await docker(socket, "diff", "same");
    await docker(socket, "create", "--name", "never-ran", "bare", "busybox", "true");
    for (const place of ["/etc/hosts", "/dev/x"]) await docker(socket, "cp", note, `never-ran:${place}`);
    await docker(socket, "commit", "never-ran", "never-ran:1");
    const files = await filesInTopLayer(socket, "never-ran:1");
    await docker(socket, "rm", "changed", "same", "never-ran");
    return { mode, same, files };
  });
  assert.deepEqual(ours, theirs);
  assert.deepEqual(ours, { mode: "700", same: "", files: ["dev/x", "etc/hosts"] });

  const body = { Image: "bare", Cmd: ["busybox", "sh", "-c", "echo own >/etc/hosts"], DisableNetworkFiles: true };
  const created = await daemon.api("POST", "/containers/create?name=own-files", { ...body, HostConfig: { NetworkMode: "none" } });
  assert.equal(created.status, 201, created.text);
  await docker(daemon.socket, "start", "-a", "own-files");
  assert.deepEqual((await docker(daemon.socket, "diff", "own-files")).split("\n"), ["C /etc", "A /etc/hosts"]);
  await docker(daemon.socket, "commit", "own-files", "own-files:1");
  assert.deepEqual(await filesInTopLayer(daemon.socket, "own-files:1"), ["etc/hosts"]);
  await docker(daemon.socket, "rm", "own-files");
});

test("an archive becomes an image, whichever way it is compressed and wherever it is", async (t) => {
  const tree = join(folder, "root");
  mkdirSync(join(tree, "bin"), { recursive: true });
  execFileSync("cp", ["/bin/busybox", join(tree, "bin/busybox")]);
  writeFileSync(join(tree, "note"), "imported\n");
  const plain = join(folder, "root.tar");
  execFileSync("tar", ["-C", tree, "-cf", plain, "."]);
  for (const program of ["gzip", "bzip2", "xz", "zstd"]) execFileSync(program, ["-k", "-q", "-f", plain]);
  const server = http.createServer((request, response) => {
    if (request.url === "/root.tar.gz") response.end(readFileSync(`${plain}.gz`));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const { ours, theirs } = await both.each(async (socket) => {
    const results: unknown[] = [];
    for (const ending of ["", ".gz", ".bz2", ".xz"]) {
      await docker(socket, "import", "-m", "words", "-c", 'CMD ["busybox", "cat", "/note"]', `${plain}${ending}`, `imported:1`);
      results.push(await docker(socket, "run", "--rm", "--network", "none", "imported:1"));
    }
    await docker(socket, "import", plain, "imported:2");
    const { Config, Comment, RootFS } = await inspect(socket, "imported:2");
    const history = await docker(socket, "history", "--format", "{{.CreatedBy}}|{{.Comment}}", "imported:2");
    const refused = await Promise.all(
      [
        ["-c", "RUN x", plain],
        [plain, "Bad:Name:x"],
      ].map(async (args) => (await run(dockerCommand, ["-H", `unix://${socket}`, "import", ...args])).stderr.trim()),
    );
    return { results, config: { ...Config, Hostname: "" }, Comment, layers: RootFS.Layers.length, history, refused };
  });
  assert.deepEqual(ours, theirs);
  await docker(daemon.socket, "import", `${plain}.zst`, "imported:3");
  await docker(daemon.socket, "import", "-c", "CMD busybox cat /note", `http://127.0.0.1:${port}/root.tar.gz`, "imported:4");
  assert.match(
    await docker(daemon.socket, "history", "imported:4"),
    new RegExp(`Imported from http://127.0.0.1:${port}/root.tar.gz`),
  );
  const absent = await daemon.docker("import", `http://127.0.0.1:${port}/absent`);
  assert.match(absent.stderr, /failed to GET .* with status 404 Not Found/);
});

test("changes that look odd are read as dockerd reads them", async () => {
  const odd = [
    ["CMD [1]", "CMD []", "CMD ['a']", "ENTRYPOINT []", 'ENTRYPOINT [""]', "HEALTHCHECK CMD [1]"],
    ["USER a b", "USER a\\ b", "USER $UNSET", 'VOLUME "/a b"', 'VOLUME ["a b"]', 'VOLUME ["/a"', "VOLUME []", "VOLUME $UNSET /b"],
    [
      "WORKDIR /a/../b/",
      "WORKDIR a b",
      "WORKDIR $UNSET",
      "EXPOSE $UNSET",
      "EXPOSE 80:81 90-91/UDP",
      "ENV A=$B B=1",
      "# none",
      " ",
    ],
  ].flat();
  const { ours, theirs } = await both.each(async (socket) => {
    const read: Record<string, unknown> = {};
    for (const change of odd) {
      const { stdout, stderr } = await run(dockerCommand, [
        "-H",
        `unix://${socket}`,
        "import",
        "-c",
        change,
        join(folder, "root.tar"),
      ]);
      read[change] = stdout === "" ? stderr.trim() : { ...(await inspect(socket, stdout.trim())).Config, Hostname: "" };
    }
    return read;
  });
  assert.deepEqual(ours, theirs);
});

test("an archive that is none, or ends early, leaves nothing", async () => {
  const before = await leftInContainerd();
  const whole = readFileSync(join(folder, "root.tar.gz"));
  const flipped = Buffer.from(readFileSync(join(folder, "root.tar")));
  flipped.fill(0xff, 600, 700);
  const bodies = { empty: Buffer.alloc(0), junk: Buffer.alloc(5000, 7), short: whole.subarray(0, whole.length / 2), flipped };
  for (const [name, body] of Object.entries(bodies)) {
    const { status, text } = await daemon.api("POST", `/images/create?fromSrc=-&repo=junk&tag=${name}`, body);
    assert.ok(status >= 400 || text.includes("errorDetail"), `${name}: ${status} ${text}`);
  }
  assert.deepEqual(await leftInContainerd(), before);
});

/** What there is of images, and of what makes them. */
async function leftInContainerd(): Promise<Record<string, string[]>> {
  const client = connectContainerd({ address: join(daemon.execRoot, "containerd.sock"), namespace: "pouch" });
  try {
    const [content, leases, images, snapshots] = await Promise.all([
      client.content.list(),
      client.leases.list(),
      client.images.list(),
      client.snapshots("overlayfs").list(),
    ]);
    return {
      content: content.map(({ digest }) => digest).toSorted(),
      leases: leases.map(({ id }) => id),
      images: images.map(({ name }) => name).toSorted(),
      snapshots: snapshots.map(({ name }) => name).toSorted(),
    };
  } finally {
    await client.close();
  }
}

for (const end of ["client", "containerd", "daemon", "daemon and containerd"])
  test(`a commit whose ${end} goes away in the middle leaves a container that runs, and nothing else`, async () => {
    const id = await docker(
      daemon.socket,
      "run",
      "-d",
      "--network",
      "none",
      "busybox",
      "sh",
      "-c",
      "dd if=/dev/urandom of=/big bs=1M count=200; touch /done; exec sleep 300",
    );
    const root = `/proc/${await docker(daemon.socket, "inspect", "--format", "{{.State.Pid}}", id)}/root`;
    await eventually("it has written", () => statSync(join(root, "done"), { throwIfNoEntry: false }) !== undefined);
    const before = await leftInContainerd();
    const cut = http.request({ socketPath: daemon.socket, method: "POST", path: `/commit?container=${id}&repo=cut` });
    const over = new Promise((resolve) => cut.on("error", resolve).on("close", resolve));
    cut.end();
    await eventually(
      "it is frozen",
      async () => (await docker(daemon.socket, "inspect", "--format", "{{.State.Status}}", id)) === "paused",
    );
    await sleep(100 + 300 * Math.random());
    if (end === "client") cut.destroy();
    else {
      if (end !== "daemon") execFileSync("pkill", ["-9", "-f", `^\\S*containerd .*${daemon.directory}`]);
      if (end !== "containerd") {
        await daemon.kill9();
        await daemon.launch();
      }
    }
    await over;
    await eventually(
      "it runs on",
      async () => (await docker(daemon.socket, "inspect", "--format", "{{.State.Status}}", id)) === "running",
    );
    await eventually("nothing else is there", async () => {
      try {
        assert.deepEqual(await leftInContainerd(), before);
        return true;
      } catch {
        return false;
      }
    });
    // Frozen by hand, it stays so.
    await docker(daemon.socket, "pause", id);
    await daemon.kill9();
    await daemon.launch();
    assert.equal(await docker(daemon.socket, "inspect", "--format", "{{.State.Status}}", id), "paused");
    await docker(daemon.socket, "rm", "-f", id);
  });
