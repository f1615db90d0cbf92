import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { extract } from "tar-stream";
import { SampleDaemon } from "../../sample-daemon.ts";

interface Sent {
  query: Record<string, string | undefined>;
  headers: Record<string, unknown>;
  body: Buffer;
}

async function listening(t: TestContext): Promise<{ daemon: SampleDaemon; sent: Sent[] }> {
  const sent: Sent[] = [];
  const lines = [{ stream: "Step 1/1 : FROM busybox\n" }, { aux: { ID: "sha256:aa" } }, { stream: "Successfully built aa\n" }];
  const daemon = await SampleDaemon.start(t, (request, response) => {
    void buffer(request).then((body) => {
      const { searchParams } = new URL(request.url ?? "", "http://daemon");
      sent.push({ query: Object.fromEntries(searchParams), headers: request.headers, body });
      response.setHeader("content-type", "application/json");
      response.end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(""));
    });
  });
  return { daemon, sent };
}

/** Names and, of files, contents. */
async function entriesOf(tar: Buffer): Promise<Record<string, string>> {
  const entries: Record<string, string> = {};
  const archive = extract();
  Readable.from([tar]).pipe(archive);
  for await (const entry of archive) entries[entry.header.name] = await text(entry);
  return entries;
}

function folderOf(daemon: SampleDaemon, files: Record<string, string>): string {
  const folder = join(daemon.folder, "context");
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

test("a folder is sent without what it ignores, but with the Dockerfile and what says what is ignored", async (t) => {
  const { daemon, sent } = await listening(t);
  const ignored = "*.log\nbuild\n!build/keep\nDockerfile\n.dockerignore\n";
  const files = {
    Dockerfile: "FROM busybox\n",
    ".dockerignore": ignored,
    a: "a",
    "a.log": "",
    "build/b": "",
    "build/keep/c": "c",
  };
  const folder = folderOf(daemon, files);
  symlinkSync("a", join(folder, "link"));
  const iidfile = join(daemon.folder, "id");
  const { status, out, err } = await daemon.run(["build", "-t", "x:1", "--iidfile", iidfile, folder]);
  assert.deepEqual([status, err], [0, ""]);
  assert.equal(out, "Step 1/1 : FROM busybox\nSuccessfully built aa\n");
  assert.equal(readFileSync(iidfile, "utf8"), "sha256:aa");
  const entries = await entriesOf(sent[0]?.body ?? Buffer.alloc(0));
  assert.deepEqual(entries, {
    ".dockerignore": ignored,
    Dockerfile: "FROM busybox\n",
    a: "a",
    "build/keep/": "",
    "build/keep/c": "c",
    link: "",
  });
  assert.equal(sent[0]?.query["dockerfile"], "Dockerfile");
});

test("a Dockerfile from elsewhere is sent beside the files, and is none of them for the build", async (t) => {
  const { daemon, sent } = await listening(t);
  const folder = folderOf(daemon, { a: "a" });
  const other = join(daemon.folder, "Other");
  writeFileSync(other, "FROM elsewhere\n");
  await daemon.run(["build", "-f", other, folder]);
  await daemon.run(["build", "-f", "-", folder], { stdin: "FROM stdin\n" });
  for (const [index, content] of ["FROM elsewhere\n", "FROM stdin\n"].entries()) {
    const name = sent[index]?.query["dockerfile"] ?? "";
    assert.match(name, /^\.dockerfile\.[0-9a-f]{20}$/);
    const ignored = `\n${name}\n.dockerignore`;
    assert.deepEqual(await entriesOf(sent[index]?.body ?? Buffer.alloc(0)), {
      [name]: content,
      ".dockerignore": ignored,
      a: "a",
    });
  }
  assert.match((await daemon.run(["build", folder])).err, /unable to find the Dockerfile/);
  assert.match((await daemon.run(["build", join(folder, "absent")])).err, /not found/);
  assert.match((await daemon.run(["build", "-f", "-", "-"])).err, /can't use stdin for both/);
});

test("standard input is an archive or a Dockerfile; an address is the daemon's to ask", async (t) => {
  const { daemon, sent } = await listening(t);
  await daemon.run(["build", "-"], { stdin: "FROM stdin\n" });
  assert.deepEqual(await entriesOf(sent[0]?.body ?? Buffer.alloc(0)), { Dockerfile: "FROM stdin\n" });
  await daemon.run(["build", "-"], { stdin: "name\0\0\0a tar" });
  assert.equal(sent[1]?.body.toString(), "name\0\0\0a tar");
  await daemon.run(["build", "https://example.com/context.tar"]);
  assert.deepEqual([sent[2]?.query["remote"], sent[2]?.body.length], ["https://example.com/context.tar", 0]);
  assert.match((await daemon.run(["build", "-"], { isTerminal: true })).err, /stdin is a terminal/);
});

test("what is asked for is in the query, and all logins are in a header", async (t) => {
  const { daemon, sent } = await listening(t);
  const folder = folderOf(daemon, { Dockerfile: "FROM busybox\n" });
  const auths = { "registry.example.com": { auth: Buffer.from("me:secret").toString("base64") } };
  mkdirSync(`${daemon.folder}/config`);
  writeFileSync(`${daemon.folder}/config/config.json`, JSON.stringify({ auths }));
  const given = ["--build-arg", "A=1=2", "--build-arg", "HOME", "--build-arg", "NONE", "--label", "l=v", "--label", "empty"];
  const more = [
    "-m",
    "64m",
    "--ulimit",
    "nofile=1:2",
    "--no-cache",
    "--pull",
    "--rm=false",
    "--target",
    "t",
    "--network",
    "none",
  ];
  await daemon.run(["build", ...given, ...more, "--platform", "linux/arm64", folder], { env: { HOME: "/h" } });
  const { query = {}, headers = {} } = sent[0] ?? {};
  assert.deepEqual(JSON.parse(query["buildargs"] ?? ""), { A: "1=2", HOME: "/h", NONE: null });
  assert.deepEqual(JSON.parse(query["labels"] ?? ""), { l: "v", empty: "" });
  assert.deepEqual(JSON.parse(query["ulimits"] ?? ""), [{ Name: "nofile", Soft: 1, Hard: 2 }]);
  assert.deepEqual(
    ["memory", "nocache", "pull", "rm", "target", "networkmode"].map((name) => query[name]),
    [String(64 << 20), "1", "1", "0", "t", "none"],
  );
  assert.deepEqual(JSON.parse(Buffer.from(String(headers["x-registry-config"]), "base64url").toString()), {
    "registry.example.com": { username: "me", password: "secret", serveraddress: "registry.example.com" },
  });
});
