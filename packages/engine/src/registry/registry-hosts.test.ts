import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { isInsecure, registryHostsOf } from "./registry-hosts.ts";

let root = "";
before(() => {
  root = mkdtempSync(join(tmpdir(), "pouch-hosts-"));
});
after(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const hosts = (domain: string) => registryHostsOf(domain, { certsDirectory: root, insecureRegistries: [] });
const bases = async (domain: string): Promise<string[]> => (await hosts(domain)).map(({ base }) => base);

test("without configuration the registry itself is asked, docker.io under its server's name", async () => {
  assert.deepEqual(await bases("docker.io"), ["https://registry-1.docker.io/v2"]);
  assert.deepEqual(await bases("reg.test:5000"), ["https://reg.test:5000/v2"]);
  assert.deepEqual(await bases("localhost:5000"), ["https://localhost:5000/v2", "http://localhost:5000/v2"]);
});

test("hosts keep the order of the file; the server comes last", async () => {
  write(
    "a.test/hosts.toml",
    'server = "https://upstream.test"\n[host."https://z.test"]\n[host."http://y.test:80/prefix/v2"]\noverride_path = true\n[host."x.test/sub"]\ncapabilities = ["pull"]\nskip_verify = true\n',
  );
  const found = await hosts("a.test");
  assert.deepEqual(
    found.map(({ base }) => base),
    ["https://z.test/v2", "http://y.test/prefix/v2", "https://x.test/sub/v2", "https://upstream.test/v2"],
  );
  assert.deepEqual(found[2]?.capabilities, { resolve: false, pull: true });
  assert.deepEqual(
    found.map(({ tls }) => tls.skipVerify),
    [false, false, true, false],
  );
  assert.deepEqual(
    found.map(({ isUpstream }) => isUpstream),
    [false, false, false, true],
  );
});

test("the folder with the port wins, in either spelling, and _default is for all others", async () => {
  write("_default/hosts.toml", '[host."http://default.test"]\n');
  write("b.test_5000_/hosts.toml", 'server = "https://underscore.test"\n');
  write("c.test:5000/hosts.toml", 'server = "https://colon.test"\n');
  assert.deepEqual(await bases("b.test:5000"), ["https://underscore.test/v2"]);
  assert.deepEqual(await bases("c.test:5000"), ["https://colon.test/v2"]);
  assert.deepEqual(await bases("d.test"), ["http://default.test/v2", "https://d.test/v2"]);
  rmSync(join(root, "_default"), { recursive: true });
});

test("certificates are read from the folder of the file", async () => {
  write("e.test/hosts.toml", 'server = "https://e.test"\nca = "my-ca.pem"\nclient = [["c.pem", "k.pem"]]\n');
  for (const [file, text] of Object.entries({ "my-ca.pem": "CA", "c.pem": "C", "k.pem": "K" })) write(`e.test/${file}`, text);
  assert.deepEqual((await hosts("e.test"))[0]?.tls, {
    skipVerify: false,
    authorities: ["CA"],
    clients: [{ certificate: "C", key: "K" }],
  });
  write("f.test/ca.crt", "CRT");
  assert.deepEqual((await hosts("f.test"))[0]?.tls.authorities, ["CRT"]);
});

test("a file that cannot be read is an error that names it", async () => {
  for (const text of [
    "server = ",
    '[host."ftp://x"]',
    "server = 3",
    '[host."https://x"]\nskip_verify = "yes"',
    'ca = "missing.pem"\nserver = "https://x"',
  ]) {
    write("bad.test/hosts.toml", text);
    await assert.rejects(hosts("bad.test"), { kind: "invalidArgument", message: /bad\.test/ }, text);
  }
});

test("registries are insecure by name, by address and by network", () => {
  assert.ok(isInsecure("localhost:5000", []) && isInsecure("127.0.0.5", []) && isInsecure("[::1]:5000", []));
  assert.ok(isInsecure("reg.test:5000", ["reg.test:5000"]) && isInsecure("reg.test:5000", ["reg.test"]));
  assert.ok(isInsecure("10.1.2.3:5000", ["10.1.0.0/16"]));
  // A name only looks like an address: whoever owns it says where it leads.
  assert.ok(!isInsecure("127.0.0.1.nip.io", []) && !isInsecure("127.evil.test:5000", ["127.0.0.0/8"]));
  assert.ok(!isInsecure("10.2.2.3:5000", ["10.1.0.0/16"]) && !isInsecure("reg.test", ["reg.test:5000"]));
});
