/** `POST /build` beside dockerd's: what is told, what is in the image, what is refused, and what is left of a build that is cut short. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { connectContainerd } from "@pouchcontainer/containerd";
import { pack } from "tar-stream";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { BothEngines, docker } from "./harness/both-engines.ts";
import { build, builtId, contextTar, describeImage, told } from "./harness/built.ts";
import { eventually, sleep, type Daemon } from "./harness/daemon.ts";
import { annSecret, Registry } from "./harness/registry.ts";
import { writePlugin } from "./harness/write-plugin.ts";

let both: BothEngines;
let daemon: Daemon;
/** The context of all tables. */
let context: string;

before(async () => {
  both = await BothEngines.start();
  ({ daemon } = both);
  const archive = join(both.folder, "busybox.tar");
  makeImageArchive(archive, { name: "busybox:latest" });
  await docker(both.dockerd.socket, "load", "-q", "-i", archive);
  context = join(both.folder, "context");
  fillContext(context);
});

after(() => both?.[Symbol.asyncDispose]());

function fillContext(folder: string): void {
  const write = (path: string, content: string, mode = 0o644): void => {
    const file = join(folder, path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
    utimesSync(file, 1_600_000_000, 1_600_000_000);
  };
  write("one.txt", "one\n");
  write("two.txt", "two\n", 0o600);
  write("run.sh", "#!/bin/sh\necho ran\n", 0o755);
  write("setuid", "s", 0o4755);
  write("d/a", "a");
  write("d/sub/b", "b", 0o640);
  write("d/.hidden", "h");
  write("d2/c.txt", "c");
  write("with space", "w");
  write("owned", "o");
  chownSync(join(folder, "owned"), 1000, 2000);
  chmodSync(join(folder, "d/sub"), 0o2770);
  symlinkSync("one.txt", join(folder, "link"));
  symlinkSync("d", join(folder, "folder-link"));
  symlinkSync("../one.txt", join(folder, "d/up"));
  symlinkSync("/etc/passwd", join(folder, "d/absolute"));
  linkSync(join(folder, "d/a"), join(folder, "d/hard"));
  const archive = join(folder, "archive.tar");
  execFileSync("tar", [
    "--numeric-owner",
    "--owner=7",
    "--group=8",
    "--mtime=@1500000000",
    "-C",
    join(folder, "d"),
    "-cf",
    archive,
    "a",
    "sub",
  ]);
  for (const program of ["gzip", "bzip2", "xz"]) execFileSync(program, ["-k", "-q", "-f", archive]);
  writeFileSync(join(folder, "text.gz"), execFileSync("gzip", ["-n"], { input: "no archive\n" }));
}

/** Where the Dockerfiles of the table put what they make: all else differs in what each engine has in every container. */
const own = (path: string): boolean => /^(\.\/)?(x|w)(\/|$)/.test(path);

interface Case {
  name: string;
  dockerfile: string;
  query?: Record<string, string | string[]>;
}

const table: Case[] = [
  {
    name: "everything that changes the configuration",
    dockerfile: `ARG V=latest
FROM busybox:$V
# a comment
ENV a=1 b="x y" c='q $a'
ENV d $a and more
LABEL l=1 "m n"="two \\
words" empty=
EXPOSE 80 90-91/udp
VOLUME /v /u
VOLUME ["/z z", "/y"]
USER app:extra
CMD ["sh", "-c", "echo \\"$a\\""]
ENTRYPOINT ["x", "é\\t"]
CMD echo $a
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --retries=3 CMD test -e /x
HEALTHCHECK --start-period=2m CMD ["a", "b"]
SHELL ["/bin/sh", "-ec"]
ONBUILD RUN echo triggered
MAINTAINER me <a@b>
`,
    query: { labels: JSON.stringify({ z: "1", a: 'quo"ted $a' }) },
  },
  {
    name: "an entry point takes the image's command away, a command and no check may be had anew",
    dockerfile: "FROM busybox\nENTRYPOINT echo x\nHEALTHCHECK NONE\n",
  },
  { name: "commands that say nothing", dockerfile: "FROM busybox\nENTRYPOINT []\nCMD []\n" },
  {
    name: "arguments where they are named",
    dockerfile: `ARG TAG=latest
ARG OTHER=outer
FROM busybox:\${TAG} AS first
ARG A=default
ARG B
ARG C=\${A}-more D
ARG OTHER
ARG E=$OTHER
ENV C=fixed F=\${A:-none} G=\${B:+set} H=\${UNSET:-"a b"} I=\\$A
RUN echo "$A $B $C $D $OTHER $E $http_proxy"
FROM first
RUN echo "again $A $C"
ARG http_proxy
RUN echo "$http_proxy"
`,
    query: { buildargs: JSON.stringify({ TAG: "latest", A: "given", B: "b", D: null, http_proxy: "http://p", NOPE: "1" }) },
  },
  {
    name: "another character for the backslash",
    dockerfile: '# escape=`\nFROM busybox\nENV p=C:\\dir q=a` b\nRUN echo one `\n  # inside\n\n  two\nLABEL a="x`"y"\n',
  },
  {
    name: "folders to work in",
    dockerfile:
      "FROM busybox\nWORKDIR /w/a\nWORKDIR b\nENV e=c\nWORKDIR $e/../d\nUSER app\nWORKDIR /w/of-root\nRUN pwd\nWORKDIR /etc\n",
  },
  {
    name: "commands in both forms, as who was said and where",
    dockerfile: `FROM busybox
RUN mkdir -p /x && chown app /x
WORKDIR /w
USER app
ENV HOME=/x
RUN id -u && pwd && umask 027 && echo hi >/x/f && ln -s f /x/l
RUN ["sh", "-c", "echo exec; mkfifo /x/p"]
RUN echo err >&2
SHELL ["/bin/sh", "-ec"]
RUN echo shell >/x/g; true
USER root
RUN rm /x/f && chmod 4755 /x/g && touch -d @1000000000 /x/old
VOLUME /x/vol
RUN mkdir -p /x/vol && echo lost >/x/vol/f
`,
  },
  {
    name: "files and folders where they go",
    dockerfile: `FROM busybox
COPY one.txt /x/
COPY one.txt /x/renamed
COPY --chown=app one.txt two.txt /x/made/by/
COPY *.txt d2/?.txt /x/globbed/
COPY d /x/d
COPY d /x/d2/
COPY d/sub d2 /x/merged/
COPY link folder-link /x/followed/
COPY ["with space", "/x/with space"]
COPY --chown=1000:2000 d /x/owned
COPY --chown=app:extra setuid /x/setuid
COPY setuid owned run.sh /x/kept/
WORKDIR /x
COPY one.txt .
COPY one.txt sub/
COPY one.txt named
RUN ln -s /x/d /x/to-folder && ln -s /x/absent/f /x/to-file && mkdir /x/absent && ln -s /x/absent /x/d2/sub2
COPY two.txt /x/to-folder/
COPY two.txt /x/to-folder
COPY two.txt /x/to-file
COPY d2/c.txt /x/d2/sub2/
COPY d/a /x/merged/b
COPY folder-link/a /x/through
COPY . /x/all/
COPY d/[^a-z]* d/[g-h]* /x/classes/
ENV n=one.txt to=/x/by-name
COPY $n \${to}/
`,
  },
  {
    name: "what is unpacked and what is not",
    dockerfile: `FROM busybox
ADD archive.tar /x/plain
ADD archive.tar.gz archive.tar.bz2 /x/several/
ADD archive.tar.xz /x/new/
COPY archive.tar /x/
ADD text.gz /x/
ADD one.txt d /x/mixed/
ADD --chown=app one.txt /x/owned
RUN mkdir -p /x/there/sub && touch /x/there/sub/mine
ADD archive.tar /x/there
`,
  },
  {
    name: "stages, by name, number and image",
    dockerfile: `FROM busybox AS one
RUN mkdir -p /x/a && echo 1 >/x/a/f && chown app /x/a/f && chmod 600 /x/a/f
FROM one as Two
RUN echo 2 >/x/a/g
FROM scratch
COPY --from=one /x/a/f /x/f
COPY --from=1 /x/a /x/a
COPY --from=TWO --chown=5 /x/a/g /x/
COPY --from=busybox /etc/passwd /bin/sh /x/etc/
LABEL done=1
`,
  },
  {
    name: "a stage that is asked for",
    dockerfile: "FROM busybox AS a\nLABEL a=1\nFROM a AS b\nLABEL b=1\nFROM b\nRUN false\n",
    query: { target: "B" },
  },
  { name: "another file", dockerfile: "FROM nothing\n", query: { dockerfile: "d2/c.txt" } },
  { name: "a quiet one", dockerfile: "FROM busybox\nLABEL a=1\nRUN echo noise\n", query: { q: "1" } },
  { name: "nothing but an image", dockerfile: "FROM busybox\n" },
  {
    name: "limits and names of steps",
    dockerfile:
      "FROM busybox\nRUN ulimit -n; grep build.test /etc/hosts; df -m /dev/shm | tail -n 1 | awk '{print $2}'; ls /sys/class/net\n",
    query: {
      networkmode: "none",
      extrahosts: ["build.test:10.1.2.3"],
      shmsize: String(8 << 20),
      ulimits: JSON.stringify([{ Name: "nofile", Soft: 321, Hard: 321 }]),
      memory: String(64 << 20),
      cpushares: "100",
    },
  },
];

for (const [index, { name, dockerfile, query = {} }] of table.entries())
  test(`an image is dockerd's: ${name}`, async () => {
    writeFileSync(join(context, "d2/c.txt"), "FROM busybox\nLABEL other=1\n");
    utimesSync(join(context, "d2/c.txt"), 1_600_000_000, 1_600_000_000);
    const tar = contextTar(context, dockerfile);
    const { ours, theirs } = await both.each(async (socket) => {
      const answer = await build(socket, tar, { t: [`table:${index}`, `table-${index}`], ...query });
      assert.equal(answer.status, 200, JSON.stringify(answer));
      assert.ok(!answer.lines.some((line) => "error" in line), `${socket}: ${told(answer).join("\n")}`);
      return { told: told(answer), image: await describeImage(socket, `table:${index}`, own) };
    });
    assert.deepEqual(ours, theirs);
  });

const refusals: [dockerfile: string, query?: Record<string, string>][] = [
  ["FOO x\n"],
  [""],
  ["# c\n\n"],
  ["FROM\n"],
  ["FROM busybox AS 1a\n"],
  ["RUN x\nFROM busybox\n"],
  ["FROM busybox\nFOO\nBAR x\n"],
  ["FROM busybox\nENV\n"],
  ["FROM busybox\nENV a\n"],
  ["FROM busybox\nENV a=1 b\n"],
  ["FROM busybox\nENV =x\n"],
  ["FROM busybox\nLABEL a\n"],
  ["FROM busybox\nCOPY x\n"],
  ["FROM busybox\nCOPY nope /x\n"],
  ["FROM busybox\nADD d/nope /x\n"],
  ["FROM busybox\nCOPY nope* /x\n"],
  ["FROM busybox\nCOPY one.txt d/a /x\n"],
  ["FROM busybox\nCOPY ../f /x\n"],
  ["FROM busybox\nCOPY --chown=nobody2 one.txt /x\n"],
  ["FROM busybox\nCOPY --chown=app:nogroup one.txt /x\n"],
  ["FROM busybox\nCOPY --foo=1 f /x\n"],
  ["FROM busybox\nCOPY --from=5 one.txt /x\n"],
  ["FROM busybox\nRUN --mount=type=cache,target=/x true\n"],
  ["FROM busybox\nRUN false\n"],
  ["FROM busybox\nRUN echo said; exit 7\n", { q: "1" }],
  ['FROM busybox\nRUN ["sh", "-c", "exit 300"]\n'],
  ["FROM busybox\nRUN true\nRUN kill -9 $$\n"],
  ["FROM busybox\n", { target: "x" }],
  ["FROM busybox\n", { target: "1" }],
  ["FROM busybox\nRUN true\n", { networkmode: "nosuchnet" }],
  ["FROM busybox\nWORKDIR\n"],
  ["FROM busybox\nEXPOSE x\n"],
  ['FROM busybox\nVOLUME [""]\n'],
  ["FROM busybox\nSTOPSIGNAL FOO\n"],
  ["FROM busybox\nSHELL /bin/sh\n"],
  ["FROM busybox\nHEALTHCHECK FOO\n"],
  ["FROM busybox\nONBUILD ONBUILD CMD x\n"],
  ["FROM busybox\nONBUILD FROM x\n"],
  ["FROM busybox\nARG\n"],
  ["FROM busybox\nMAINTAINER\n"],
  ["FROM $NOPE\n"],
  ["FROM busybox:${V?no}\n"],
  ["FROM busybox\nENV a=${x\n"],
  ["FROM busybox\nWORKDIR /etc/passwd\n"],
  ["# escape=x\nFROM busybox\n"],
  ["# escape=`\n# escape=`\nFROM busybox\n"],
  ["FROM scratch\n"],
  ["FROM busybox as a\nFROM busybox as a\n"],
  ["FROM --foo=x busybox\n"],
];

test("what cannot be built is refused in dockerd's words, and with its numbers", async () => {
  const { ours, theirs } = await both.each(async (socket) => {
    const answers: [string, number, string[]][] = [];
    for (const [dockerfile, query = {}] of refusals) {
      const answer = await build(socket, contextTar(context, dockerfile), query);
      answers.push([dockerfile, answer.status, told(answer)]);
    }
    // Containers of steps that failed stay, to be looked at.
    await docker(socket, "container", "prune", "-f");
    return answers;
  });
  assert.deepEqual(ours, theirs);
});

test("what is not there is refused by its name, whatever else is asked for", async () => {
  const tar = contextTar(context, "FROM busybox\nRUN touch /made\n");
  const asked: [Record<string, string>, number, RegExp][] = [
    [{ version: "2" }, 501, /BuildKit .*DOCKER_BUILDKIT=0/],
    [{ squash: "1" }, 501, /^squash is not supported/],
    [{ outputs: '[{"Type":"local"}]' }, 501, /^outputs is not supported/],
    [{ securityopt: "seccomp=unconfined" }, 501, /^securityopt is not supported/],
    [{ remote: "https://example.com/a/b.git" }, 501, /not from git$/],
    [{ buildargs: "secret" }, 400, /^the query parameter buildargs must be JSON$/],
    [{ buildargs: '{"a":1}' }, 400, /^buildargs/],
    [{ dockerfile: "../x" }, 400, /^forbidden path outside the build context: \.\.\/x \(\)$/],
    [{ dockerfile: "nope" }, 400, /^Cannot locate specified Dockerfile: nope$/],
    [{ t: "BAD:NAME:x" }, 400, /^invalid reference format/],
  ];
  for (const [query, status, message] of asked) {
    const answer = await build(daemon.socket, tar, query);
    assert.equal(answer.status, status, JSON.stringify([query, answer]));
    assert.match(String(answer.lines[0]?.["message"]), message);
  }
  const heredoc = await build(daemon.socket, contextTar(context, "FROM busybox\nRUN <<EOF\necho x\nEOF\n"));
  assert.equal(heredoc.status, 400);
  assert.match(String(heredoc.lines[0]?.["message"]), /here-documents \(<<EOF\) are not supported/);
});

/** Of the same Dockerfile and context again, what is taken from the build before. */
async function taken(tar: Buffer, query: Record<string, string> = {}): Promise<number> {
  const answer = await build(daemon.socket, tar, query);
  builtId(answer);
  return answer.lines.filter((line) => line["stream"] === " ---> Using cache\n").length;
}

test("a step is taken from an earlier build as long as all before it, and what it does, is the same", async () => {
  const folder = join(both.folder, "cached");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "f"), "1");
  const dockerfile = "FROM busybox\nARG A\nENV b=1\nRUN head -c 16 /dev/urandom >/x\nCOPY f /\nWORKDIR /w\nRUN true\n";
  const tar = contextTar(folder, dockerfile);
  const first = builtId(await build(daemon.socket, tar, { t: "cached:1" }));
  assert.equal(builtId(await build(daemon.socket, tar, { t: "cached:2" })), first, "the same steps are the same image");
  utimesSync(join(folder, "f"), 1, 1);
  assert.equal(await taken(contextTar(folder, dockerfile)), 6);
  writeFileSync(join(folder, "f"), "2");
  assert.equal(await taken(contextTar(folder, dockerfile)), 3);
  assert.equal(await taken(tar, { buildargs: '{"A":"1"}' }), 2, "an argument is a command's, not an instruction's");
  assert.equal(await taken(tar, { nocache: "1" }), 0);
  assert.equal(await taken(contextTar(folder, dockerfile.replace("b=1", "b=2"))), 1);
  assert.equal(await taken(contextTar(folder, "FROM busybox\nENV a='1 b=2'\nRUN true\n")), 0);
  assert.equal(
    await taken(contextTar(folder, "FROM busybox\nENV a=1 b=2\nRUN true\n")),
    0,
    "the same history, another environment",
  );
  await daemon.stop();
  await daemon.launch();
  assert.equal(await taken(tar), 6, "what was built is known to the next daemon");
});

test("the cache goes with the images that have it, and what did not come from here is no part of it", async () => {
  const tar = contextTar(join(both.folder, "trusted"), "FROM busybox\nLABEL trusted=1\nRUN echo made >/x\n");
  const id = builtId(await build(daemon.socket, tar, { t: "trusted:1" }));
  const archive = join(both.folder, "trusted.tar");
  await docker(daemon.socket, "save", "-o", archive, "trusted:1");
  await docker(daemon.socket, "rmi", "trusted:1");
  assert.equal(await taken(tar, { t: "other:1" }), 0);
  await docker(daemon.socket, "rmi", "other:1");
  // Whoever hands out an image says of its layers what he likes.
  await docker(daemon.socket, "load", "-i", archive);
  assert.equal(await taken(tar, { t: "other:1" }), 0);
  await docker(daemon.socket, "rmi", "other:1");
  const named = await build(daemon.socket, tar, { cachefrom: '["trusted:1", "nosuch:1"]' });
  assert.equal(builtId(named), id);
});

test("what a step runs is seen by whoever looks, and gone when it is over, unless it is to stay", async () => {
  const steps = "FROM busybox\nVOLUME /v\nRUN echo one; false\n";
  const ids = async (): Promise<string[]> => {
    const containers = await docker(daemon.socket, "ps", "-aq", "--no-trunc", "--filter", "label=io.pouchcontainer.build");
    return containers.split("\n").filter((id) => id !== "");
  };
  const volumes = async (): Promise<string> => await docker(daemon.socket, "volume", "ls", "-q");
  const before = await volumes();
  const ran = await build(daemon.socket, contextTar(context, "FROM busybox\nRUN echo one\n"), { nocache: "1" });
  const lines = ran.lines.map((line) => String(line["stream"]).replaceAll(/[0-9a-f]{12}/g, "ID"));
  assert.deepEqual(lines.slice(3, 9), [
    "Step 2/2 : RUN echo one",
    "\n",
    " ---> Running in ID\n",
    "one\n",
    "Removing intermediate container ID\n",
    " ---> ID\n",
  ]);
  assert.deepEqual(await ids(), []);
  await build(daemon.socket, contextTar(context, steps), { forcerm: "1" });
  assert.deepEqual([await ids(), await volumes()], [[], before]);
  await build(daemon.socket, contextTar(context, steps));
  const [kept, ...more] = await ids();
  assert.ok(kept && more.length === 0, "one that failed stays, to be looked at");
  await daemon.stop();
  await daemon.launch();
  assert.deepEqual(await ids(), [kept], "it is nobody's leftover");
  await docker(daemon.socket, "rm", "-v", kept);
  builtId(await build(daemon.socket, contextTar(context, "FROM busybox\nRUN echo stays\n"), { rm: "0" }));
  const [stays] = await ids();
  await docker(daemon.socket, "rm", "-v", stays ?? "none");
});

test("a container that a client gave a build's label is no build's", async () => {
  const id = await docker(daemon.socket, "run", "-d", "--label", "io.pouchcontainer.build=x", "busybox", "sleep", "300");
  await daemon.kill9();
  await daemon.launch();
  assert.equal(await docker(daemon.socket, "inspect", "--format", "{{.State.Status}}", id), "running");
  await docker(daemon.socket, "rm", "-f", id);
});

test("triggers of an image run where another one is built on it", async () => {
  const base = "FROM busybox\nONBUILD COPY one.txt /x/\nONBUILD RUN echo triggered >>/x/one.txt\nONBUILD ENV t=1\n";
  const tars = [contextTar(context, base), contextTar(context, "FROM trigger:1\nCMD x\n")];
  const { ours, theirs } = await both.each(async (socket) => {
    const answers = [];
    for (const [index, tar] of tars.entries()) answers.push(told(await build(socket, tar, { t: `trigger:${index + 1}` })));
    return { answers, image: await describeImage(socket, "trigger:2", own) };
  });
  assert.deepEqual(ours, theirs);
});

test("an image that is not here is pulled with the login for its registry, and again when that is asked for", async () => {
  await using registry = await Registry.start({ htpasswd: annSecret });
  const name = `${registry.host}/base:1`;
  const login = { username: "ann", password: "secret" };
  const header = (auth: object): Record<string, string> => ({
    "X-Registry-Config": Buffer.from(JSON.stringify({ [registry.host]: auth, "elsewhere.example": { username: "x" } })).toString(
      "base64url",
    ),
  });
  const push = async (label: string): Promise<void> => {
    builtId(await build(daemon.socket, contextTar(context, `FROM busybox\nLABEL pushed=${label}\n`), { t: name }));
    const auth = Buffer.from(JSON.stringify(login)).toString("base64url");
    const { text } = await daemon.api("POST", `/images/${name.slice(0, -2)}/push?tag=1`, undefined, { "X-Registry-Auth": auth });
    assert.doesNotMatch(text, /errorDetail/);
  };
  await push("first");
  await docker(daemon.socket, "rmi", name);
  const dockerfile = `FROM ${name} AS one\nFROM busybox\nCOPY --from=${name} /etc/passwd /x\nCOPY --from=one /etc/group /x2\n`;
  const tar = contextTar(context, dockerfile);
  const refused = told(await build(daemon.socket, tar, {}, header({ ...login, password: "wrong" }))).join("\n");
  assert.match(refused, /unauthorized|no basic auth/);
  const pulled = await build(daemon.socket, tar, {}, header(login));
  builtId(pulled);
  assert.match(JSON.stringify(pulled.lines), /Pulling from base/);
  await push("second");
  await docker(daemon.socket, "tag", "busybox", name);
  const label = async (query: Record<string, string>): Promise<string> => {
    const id = builtId(await build(daemon.socket, contextTar(context, `FROM ${name}\nENV a=1\n`), query, header(login)));
    return await docker(daemon.socket, "inspect", "--format", "{{.Config.Labels.pushed}}", id);
  };
  assert.equal(await label({}), "<no value>");
  assert.equal(await label({ pull: "1" }), "second");
  assert.doesNotMatch(daemon.log, /secret/);
});

test("a plugin sees what a step runs, and changes it as it changes any container", async () => {
  const source = writePlugin(join(both.folder, "bounded"), {
    name: "bounded",
    pouch: { api: "1", points: ["container.preCreate", "container.preRemove"] },
    language: "ts",
    code: `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";
registerContainerPlugin({
  preCreate(config) {
    if (config.Labels?.["io.pouchcontainer.build"] === undefined) return;
    if (config.Env?.includes("refuse=1")) throw new Error("not on this host");
    config.HostConfig.Memory = 64 * 1024 * 1024;
  },
  preRemove() {
    throw new Error("nothing is removed here");
  },
});
`,
  });
  const installed = await daemon.api("POST", "/plugins/install", { source });
  assert.equal(installed.status, 200, installed.text);
  try {
    const limit = existsSync("/sys/fs/cgroup/memory") ? "memory/memory.limit_in_bytes" : "memory.max";
    const answer = await build(daemon.socket, contextTar(context, `FROM busybox\nRUN cat /sys/fs/cgroup/${limit}\n`));
    assert.ok(told(answer).includes(String(64 << 20)), told(answer).join("\n"));
    const refused = await build(daemon.socket, contextTar(context, "FROM busybox\nENV refuse=1\nRUN true\n"));
    assert.match(told(refused).join("\n"), /plugin \\"bounded\\" at container\.preCreate: not on this host/);
    assert.equal(await docker(daemon.socket, "ps", "-aq"), "");
  } finally {
    await daemon.api("DELETE", "/plugins/bounded?force=1");
  }
});

test("builds of the same at the same time do not take one another's images away", async () => {
  const before = await left();
  const tar = contextTar(context, "FROM busybox\nRUN sleep 0.3; echo at-once >/x\nRUN sleep 0.3\nRUN cat /x\n");
  const answers = await Promise.all(
    Array.from({ length: 4 }, (_, index) => build(daemon.socket, tar, { t: `at-once:${index}` })),
  );
  for (const [index, answer] of answers.entries())
    assert.equal(await docker(daemon.socket, "inspect", "--format", "{{.Id}}", `at-once:${index}`), builtId(answer));
  assert.deepEqual((await left()).containers, before.containers);
  assert.deepEqual((await left()).leases, before.leases);
});

test("an image that is removed while something is built on it is there until the end", async () => {
  builtId(
    await build(daemon.socket, contextTar(context, "FROM busybox\nRUN echo base >/x\n"), { t: "fleeting:1", nocache: "1" }),
  );
  const running = begun(contextTar(context, "FROM fleeting:1\nLABEL a=1\nRUN echo runs; sleep 2\nRUN cat /x\nCOPY one.txt /y\n"));
  await eventually("the command runs", () => running.output().includes('"runs\\n"'));
  await docker(daemon.socket, "rmi", "fleeting:1");
  await running.over;
  assert.match(running.output(), /"base\\n"[\s\S]*Successfully built/);
});

test("a context may be packed in any way, or be somewhere else, and what it leaves out is not there", async (t) => {
  const folder = join(both.folder, "ignoring");
  for (const path of ["keep/a", "keep/b.log", "keep/c/d.log", "drop/a", "drop/again/b"]) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), "x");
  }
  writeFileSync(
    join(folder, ".dockerignore"),
    "# comment\n**/*.log\n!keep/c/*.log\ndrop\n!drop/again\nDockerfile\n.dockerignore\n",
  );
  const dockerfile = "FROM busybox\nCOPY . /x\n";
  const plain = contextTar(folder, dockerfile);
  const server = http.createServer((request, response) => {
    if (request.url === "/Dockerfile") response.end("FROM busybox\nADD http://x.invalid/y /x\n");
    else if (request.url === "/file") response.setHeader("Last-Modified", "Fri, 13 Feb 2009 23:31:30 GMT").end("fetched\n");
    else if (request.url === "/context.tar.gz") response.end(gzipSync(plain));
    else response.writeHead(404).end("no");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const packed = [
    plain,
    gzipSync(plain),
    zstdCompressSync(plain),
    ...["bzip2", "xz"].map((program) => execFileSync(program, ["-c"], { input: plain })),
  ];
  const files = ["x/", "x/drop/", "x/drop/again/", "x/drop/again/b", "x/keep/", "x/keep/a", "x/keep/c/", "x/keep/c/d.log"];
  const names = async (image: string): Promise<string[]> => {
    const { files: found } = (await describeImage(daemon.socket, image, own)) as { files: string[] };
    return found.map((line) => line.slice(line.lastIndexOf(" ") + 1)).toSorted();
  };
  for (const tar of packed) assert.deepEqual(await names(builtId(await build(daemon.socket, tar))), files);
  const remote = await build(daemon.socket, Buffer.alloc(0), { remote: `${address}/context.tar.gz` });
  assert.deepEqual(await names(builtId(remote)), files);
  const alone = await build(daemon.socket, Buffer.alloc(0), { remote: `${address}/Dockerfile` });
  assert.match(told(alone).join("\n"), /ADD failed: Get \\"http:\/\/x\.invalid\/y\\"/);
  const absent = await build(daemon.socket, Buffer.alloc(0), { remote: `${address}/absent` });
  assert.match(told(absent).join("\n"), /with status 404/);
  const added = builtId(
    await build(
      daemon.socket,
      contextTar(folder, `FROM busybox\nADD ${address}/file /x/\nADD --chown=app ${address}/file /x/named\n`),
    ),
  );
  const { files: fetched } = (await describeImage(daemon.socket, added, own)) as { files: string[] };
  assert.deepEqual(fetched, [
    "-rw------- 0/0 8 2009-02-13 23:31:30 x/file",
    "-rw------- 1000/1000 8 2009-02-13 23:31:30 x/named",
    "drwxr-xr-x 0/0 0 now x/",
  ]);
  const cutOff = await build(daemon.socket, gzipSync(plain).subarray(0, 200));
  assert.ok(cutOff.status >= 400, JSON.stringify(cutOff));
});

test("a mode may be asked for, and nothing that is copied leads out of the context or the image", async () => {
  const folder = join(both.folder, "hostile");
  mkdirSync(join(folder, "d"), { recursive: true });
  symlinkSync("/", join(folder, "root"));
  symlinkSync("../../../../../../etc/hostname", join(folder, "d/up"));
  writeFileSync(join(folder, "f"), "f");
  const marker = join(both.folder, "marker");
  writeFileSync(marker, "host");
  const refused = await build(daemon.socket, contextTar(folder, `FROM busybox\nCOPY root${marker} /x/\n`));
  assert.match(told(refused).join("\n"), /COPY failed: file not found in build context/);
  const up = await build(daemon.socket, contextTar(folder, "FROM busybox\nCOPY d/up /x/\n"));
  assert.match(told(up).join("\n"), /COPY failed: file not found in build context/);
  const dockerfile = `FROM busybox\nRUN mkdir -p /x && ln -s ${both.folder} /x/out && ln -s ../../../../../..${both.folder} /x/up\nCOPY f /x/out/marker\nCOPY f /x/up/\nCOPY --chmod=4711 f /x/mode\nCOPY --chmod=750 d /x/modes/\nRUN cat ${both.folder}/marker ${both.folder}/f\n`;
  const answer = await build(daemon.socket, contextTar(folder, dockerfile));
  const { files } = (await describeImage(daemon.socket, builtId(answer), own)) as { files: string[] };
  assert.ok(
    told(answer).some((line) => line.startsWith("ff")),
    told(answer).join("\n"),
  );
  assert.ok(
    files.some((line) => line.startsWith("-rws--x--x 0/0") && line.endsWith("x/mode")),
    files.join("\n"),
  );
  assert.equal(readFileSync(marker, "utf8"), "host");
  assert.equal(existsSync(join(both.folder, "f")), false);
});

test("a Dockerfile that grows without end is refused, whatever it grows in", async () => {
  const growing = `FROM busybox\nENV a=${"x".repeat(64)}\n${"ENV a=$a$a\n".repeat(40)}`;
  const told40 = told(await build(daemon.socket, contextTar(context, growing))).join("\n");
  assert.match(told40, /an instruction may come to 1048576 characters and no more/);
  const labels = Array.from({ length: 20 }, (_, index) => `LABEL l${index}=$a`).join("\n");
  const big = `FROM busybox\nENV a=${"x".repeat(64)}\n${"ENV a=$a$a\n".repeat(13)}${labels}\n`;
  const toldBig = told(await build(daemon.socket, contextTar(context, big))).join("\n");
  assert.match(toldBig, /the image's configuration and history have \d+ bytes, more than 8388608/);
  assert.equal((await daemon.api("GET", "/_ping")).status, 200);
});

test("a context whose paths are as long as paths can be is built, and removed", async () => {
  const archive = pack();
  const deep = "d/".repeat(2040);
  archive.entry({ name: "Dockerfile" }, "FROM busybox\nCOPY Dockerfile /x\n");
  archive.entry({ name: `${deep}f` }, "deep");
  archive.finalize();
  builtId(await build(daemon.socket, await buffer(archive)));
  assert.deepEqual(readdirSync(join(daemon.homeDirectory, "builds")), []);
});

interface Left {
  containers: string[];
  folders: string[];
  leases: string[];
  snapshots: string[];
  content: string[];
}

/** What there is that a build may have left. */
async function left(): Promise<Left> {
  const client = connectContainerd({ address: join(daemon.execRoot, "containerd.sock"), namespace: "pouch" });
  try {
    const [leases, snapshots, content] = await Promise.all([
      client.leases.list(),
      client.snapshots("overlayfs").list(),
      client.content.list(),
    ]);
    return {
      containers: (await docker(daemon.socket, "ps", "-aq")).split("\n"),
      folders: readdirSync(join(daemon.homeDirectory, "builds")),
      leases: leases.map(({ id }) => id),
      snapshots: snapshots.map(({ name }) => name).toSorted(),
      content: content.map(({ digest }) => digest).toSorted(),
    };
  } finally {
    await client.close();
  }
}

/** A build on its way, and its end. */
function begun(tar: Buffer): { cut: () => void; output: () => string; over: Promise<unknown> } {
  let output = "";
  const request = http.request({ socketPath: daemon.socket, method: "POST", path: "/build?buildid=begun" }, (response) => {
    response.on("data", (chunk: Buffer) => (output += chunk.toString()));
    response.on("error", () => undefined);
  });
  const over = new Promise((resolve) => request.on("error", resolve).on("close", resolve));
  request.end(tar);
  return { cut: () => request.destroy(), output: () => output, over };
}

async function eventuallyLeft(wanted: Left): Promise<void> {
  await eventually("nothing of it is left", async () => {
    try {
      assert.deepEqual(await left(), wanted);
      return true;
    } catch {
      return false;
    }
  }).catch(async (error: unknown) => {
    assert.deepEqual(await left(), wanted, String(error));
  });
}

/** containerd's own process of the daemon under test. */
function containerdPid(): number {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    let words: string[] = [];
    try {
      words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    } catch {
      // It has ended meanwhile.
    }
    if (/(^|\/)containerd$/.test(words[0] ?? "") && words.some((word) => word.startsWith(daemon.directory))) return Number(pid);
  }
  return assert.fail("no containerd");
}

test("a client that goes away while it sends its context leaves nothing", async () => {
  const before = await left();
  const tar = gzipSync(contextTar(context, "FROM busybox\n"));
  for (const share of [0, 0.01, 0.5, 0.99]) {
    const headers = { "Content-Length": tar.length };
    const request = http.request({ socketPath: daemon.socket, method: "POST", path: "/build", headers });
    const over = new Promise((resolve) => request.on("error", resolve).on("close", resolve));
    request.flushHeaders();
    request.write(tar.subarray(0, share * tar.length));
    await eventually("it has begun", () => readdirSync(join(daemon.homeDirectory, "builds")).length > 0);
    request.destroy();
    await over;
    await eventuallyLeft(before);
  }
});

const ways: [how: string, end: (running: ReturnType<typeof begun>) => Promise<void>][] = [
  ["whose client goes away", async ({ cut }) => cut()],
  ["that is called off", async () => void (await daemon.api("POST", "/build/cancel?id=begun"))],
  [
    "whose daemon is stopped",
    async () => {
      await daemon.stop();
      await daemon.launch();
    },
  ],
  [
    "whose daemon is killed",
    async () => {
      await daemon.kill9();
      await daemon.launch();
    },
  ],
];

for (const [how, end] of ways) {
  test(`a build ${how} while a command runs leaves nothing`, async () => {
    const before = await left();
    const running = begun(contextTar(context, "FROM busybox\nRUN echo runs; sleep 300\n"));
    await eventually("the command runs", () => running.output().includes('"runs\\n"'));
    await end(running);
    await running.over;
    await eventuallyLeft(before);
  });

  test(`a build ${how} while files are copied leaves nothing`, async () => {
    const before = await left();
    const folder = join(both.folder, "big");
    mkdirSync(folder, { recursive: true });
    if (!existsSync(join(folder, "big"))) writeFileSync(join(folder, "big"), randomBytes(200 << 20));
    const running = begun(contextTar(folder, "FROM busybox\nCOPY big /big\n"));
    await eventually("the step has begun", () => running.output().includes("COPY big"));
    await sleep(400 * Math.random());
    await end(running);
    await running.over;
    await eventuallyLeft(before);
  });
}

test("a command runs on while containerd is away, and its build goes on", async () => {
  const running = begun(contextTar(context, "FROM busybox\nRUN echo runs; sleep 3; echo done >/x\nRUN cat /x\n"));
  await eventually("the command runs", () => running.output().includes('"runs\\n"'));
  process.kill(containerdPid(), "SIGKILL");
  await running.over;
  assert.match(running.output(), /"done\\n"[\s\S]*Successfully built/);
});

test("a build whose containerd is killed while files are copied fails, or goes on, and leaves nothing of its work", async () => {
  const { containers, folders, leases } = await left();
  const running = begun(contextTar(join(both.folder, "big"), "FROM busybox\nCOPY big /big\n"));
  await eventually("the step has begun", () => running.output().includes("COPY big"));
  await sleep(400 * Math.random());
  process.kill(containerdPid(), "SIGKILL");
  await running.over;
  assert.match(running.output(), /"errorDetail"|Successfully built/);
  await eventually("nothing of its work is left", async () => {
    try {
      const now = await left();
      assert.deepEqual([now.containers, now.folders, now.leases], [containers, folders, leases]);
      return now.snapshots.every((name) => !/^(build|extract)-/.test(name));
    } catch {
      return false;
    }
  });
});

test("what was done before a build is cut short is there for the next one, without a name", async () => {
  const running = begun(contextTar(context, "FROM busybox\nRUN echo kept >/x\nRUN echo runs; sleep 300\n"));
  await eventually("the second command runs", () => running.output().includes('"runs\\n"'));
  await daemon.kill9();
  await daemon.launch();
  await running.over;
  assert.equal(await taken(contextTar(context, "FROM busybox\nRUN echo kept >/x\nRUN true\n")), 1);
});

test("a client that reads nothing holds its command, and neither the daemon nor its memory", async () => {
  const request = http.request({ socketPath: daemon.socket, method: "POST", path: "/build" });
  const response = new Promise<http.IncomingMessage>((resolve) => request.on("response", resolve));
  request.on("error", () => undefined);
  request.end(contextTar(context, "FROM busybox\nRUN yes | head -c 400000000\n"));
  const answer = await response;
  answer.on("error", () => undefined);
  answer.pause();
  await eventually("it runs", async () => (await docker(daemon.socket, "ps", "-q")) !== "");
  await sleep(3000);
  const status = readFileSync(`/proc/${daemon.pid}/status`, "utf8");
  const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  assert.ok(kilobytes < 600_000, `${kilobytes} kB`);
  request.destroy();
  await eventually("it is gone", async () => (await docker(daemon.socket, "ps", "-aq")) === "");
});
