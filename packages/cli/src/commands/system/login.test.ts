import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { readClientConfig, writeClientConfig } from "../../client-config.ts";
import type { ClientConfig } from "../../client-config.ts";
import { SampleDaemon } from "../../sample-daemon.ts";

/** Keeps one login in a file beside itself; what it does not know is an exit status and a word on stdout. */
const helper = `#!/bin/sh
kept="$(dirname "$0")/kept"
case $1 in
  store) cat >"$kept" ;;
  get) cat "$kept" 2>&- || { echo "credentials not found"; exit 1; } ;;
  erase) read server; [ -e "$kept" ] || { echo "credentials not found"; exit 1; }; echo "$server" >"$kept.erased"; rm "$kept" ;;
esac
`;

async function setup(t: TestContext, config: ClientConfig, auth = "{}") {
  const pulls: unknown[] = [];
  const daemon = await SampleDaemon.start(t, (request, response) => {
    request.resume();
    const header = request.headers["x-registry-auth"];
    if (request.url?.includes("/images/create") === true)
      pulls.push(typeof header === "string" ? JSON.parse(Buffer.from(header, "base64url").toString()) : undefined);
    response.end(request.url?.endsWith("/auth") === true ? auth : "");
  });
  const programs = join(daemon.folder, "bin");
  mkdirSync(programs);
  writeFileSync(join(programs, "docker-credential-sample"), helper, { mode: 0o755 });
  const folder = join(daemon.folder, "config");
  writeClientConfig(folder, config);
  return {
    pulls,
    kept: join(programs, "kept"),
    auths: () => readClientConfig(folder).auths,
    run: async (...argv: string[]) =>
      await daemon.run(argv, { env: { PATH: `${programs}:${process.env["PATH"]}` }, stdin: "secret\n" }),
  };
}

const stdin = ["-u", "me", "--password-stdin"];

for (const [name, config] of [
  ["credsStore", { credsStore: "sample" }],
  ["credHelpers", { credsStore: "none", credHelpers: { "r.example": "sample" } }],
] as const) {
  test(`a login goes into the helper that ${name} names, is found there, and goes out of it`, async (t) => {
    const { run, kept, auths, pulls } = await setup(t, config);
    assert.deepEqual(await run("login", ...stdin, "r.example"), { status: 0, out: "Login Succeeded\n", err: "" });
    assert.deepEqual(JSON.parse(readFileSync(kept, "utf8")), { ServerURL: "r.example", Username: "me", Secret: "secret" });
    assert.deepEqual(auths(), { "r.example": {} });
    await run("pull", "r.example/image");
    assert.deepEqual(pulls, [{ username: "me", password: "secret", serveraddress: "r.example" }]);
    const out = "Removing login credentials for r.example\n";
    assert.deepEqual(await run("logout", "r.example"), { status: 0, out, err: "" });
    assert.equal(existsSync(kept), false);
    assert.equal(readFileSync(`${kept}.erased`, "utf8"), "r.example\n");
    assert.deepEqual(auths(), {});
  });
}

test("a helper gets a registry's token in the place of the password", async (t) => {
  const { run, kept } = await setup(t, { credsStore: "sample" }, '{"IdentityToken":"t1"}');
  await run("login", ...stdin, "r.example");
  assert.deepEqual(JSON.parse(readFileSync(kept, "utf8")), { ServerURL: "r.example", Username: "<token>", Secret: "t1" });
});

test("what a helper cannot do is said, and a login is not written into the configuration instead", async (t) => {
  const { run, auths } = await setup(t, { credsStore: "sample", credHelpers: { "r.example": "none" } });
  const login = await run("login", ...stdin, "r.example");
  assert.equal(login.status, 1);
  assert.match(
    login.err,
    /^docker-credential-none cannot store the login of r\.example: there is no such program in PATH\n\nThe client's config\.json names it/,
  );
  assert.equal(auths(), undefined);
  const logout = await run("logout", "other.example");
  assert.equal(logout.status, 0);
  assert.match(
    logout.err,
    /^WARNING: could not erase credentials:\nother\.example: docker-credential-sample cannot erase the login of other\.example: credentials not found\n/,
  );
});

test("without a helper the configuration keeps the login, and a logout takes every name of the server", async (t) => {
  const auth = Buffer.from("a:b").toString("base64");
  const other = { auth };
  const { run, auths } = await setup(t, { auths: { "https://r.example/v2/": { auth }, "http://r.example": { auth }, other } });
  await run("login", ...stdin, "r.example");
  assert.deepEqual(auths()?.["r.example"], { auth: Buffer.from("me:secret").toString("base64") });
  assert.equal((await run("logout", "r.example")).out, "Removing login credentials for r.example\n");
  assert.deepEqual(auths(), { other });
  assert.equal((await run("logout", "r.example")).out, "Not logged in to r.example\n");
});
