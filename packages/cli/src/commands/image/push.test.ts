import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { SampleDaemon } from "../../sample-daemon.ts";

test("a push names the tag, or none for all of them, carries the login, and ends as the stream does", async (t) => {
  const seen: IncomingMessage[] = [];
  let lines: object[] = [{ status: "The push refers to repository [registry.example.com/app]" }, { aux: { Tag: "1", Size: 9 } }];
  const daemon = await SampleDaemon.start(t, (request, response) => {
    seen.push(request);
    response.setHeader("content-type", "application/json");
    response.end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(""));
  });
  const auths = { "registry.example.com": { auth: Buffer.from("me:secret").toString("base64") } };
  mkdirSync(`${daemon.folder}/config`);
  writeFileSync(`${daemon.folder}/config/config.json`, JSON.stringify({ auths }));
  const name = "registry.example.com/app";
  const told = `The push refers to repository [${name}]\n`;
  assert.deepEqual(await daemon.run(["push", `${name}:1`]), { status: 0, out: told, err: "" });
  assert.equal((await daemon.run(["image", "push", name])).out, `Using default tag: latest\n${told}`);
  assert.equal((await daemon.run(["push", "-a", name])).out, told);
  assert.equal((await daemon.run(["push", "-q", name])).out, `${name}:latest\n`);
  assert.equal((await daemon.run(["push", "-qa", "busybox"])).out, "docker.io/library/busybox\n");
  assert.deepEqual(daemon.requests, [
    `POST /images/${name}/push?tag=1`,
    `POST /images/${name}/push?tag=latest`,
    `POST /images/${name}/push`,
    `POST /images/${name}/push?tag=latest`,
    "POST /images/busybox/push",
  ]);
  const login = { username: "me", password: "secret", serveraddress: "registry.example.com" };
  const sent = seen.map(({ headers }) => headers["x-registry-auth"]);
  assert.deepEqual(JSON.parse(Buffer.from(String(sent[0]), "base64url").toString()), login);
  assert.equal(sent.at(-1), undefined);

  const [originalIndex, selectedManifest] = [{ digest: "sha256:aa" }, { digest: "sha256:bb" }];
  lines = [{ aux: { manifestPushedInsteadOfIndex: true, originalIndex, selectedManifest } }];
  assert.match((await daemon.run(["push", `${name}:1`])).err, /index sha256:aa was not pushed, but the image sha256:bb$/m);
  lines = [{ errorDetail: { message: "denied: no" }, error: "denied: no" }];
  assert.deepEqual(await daemon.run(["push", `${name}:1`]), { status: 1, out: "", err: "denied: no\n" });
});

test("what cannot be pushed is refused before the daemon is asked", async (t) => {
  const daemon = await SampleDaemon.start(t, (_, response) => void response.end());
  for (const [args, refusal] of [
    [["-a", "app:1"], /tag can't be used with --all-tags/],
    [["app@sha256:00"], /cannot push a digest reference/],
    [["--disable-content-trust=false", "app"], /not signed by a push/],
  ] as const)
    assert.match((await daemon.run(["push", ...args])).err, refusal);
  assert.deepEqual(daemon.requests, []);
});
