import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Configuration } from "../config/options.ts";
import { listenAddresses, streamTlsMaterial, tlsMaterial } from "./tls-material.ts";

/** A certificate that signs itself, for the shape of it. */
function certificate(file: string): string {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null"];
  execFileSync("openssl", ["req", "-x509", ...key, "-subj", "/CN=test", "-out", file], { stdio: "ignore" });
  return file;
}

// The function looks at the flags for TLS alone.
const configured = (flags: object) => ({ tlsverify: false, ...flags }) as Configuration;

test("certificate and key are read, the CA only to verify clients", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-tls-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = (name: string) => {
    writeFileSync(join(directory, name), name);
    return join(directory, name);
  };
  const pair = { tlscert: file("cert"), tlskey: file("key") };
  const ca = { tlscacert: certificate(join(directory, "ca")) };
  const clientCa = readFileSync(ca.tlscacert, "utf8");
  assert.deepEqual(tlsMaterial(configured({ ...pair, ...ca })), { cert: "cert", key: "key" });
  assert.deepEqual(tlsMaterial(configured({ ...pair, ...ca, tlsverify: true })), { cert: "cert", key: "key", clientCa });
  assert.throws(() => tlsMaterial(configured({ ...pair, tlsverify: true, tlscacert: file("none-in-it") })), {
    message: /^--tlscacert: .*none-in-it holds no certificate in PEM format, /,
  });
  assert.throws(() => tlsMaterial(configured({ ...pair, tlskey: join(directory, "none") })), {
    message: /^--tlskey: .*none cannot be read$/,
  });
});

test("streams of CRI have TLS of their own, and a CA alone asks clients for a certificate", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-tls-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "pem");
  writeFileSync(file, "pem", { mode: 0o644 });
  const pair = { "stream-tlscert": file, "stream-tlskey": file };
  const ca = { "stream-tlscacert": certificate(join(directory, "ca")) };
  const clientCa = readFileSync(ca["stream-tlscacert"], "utf8");
  const warnings: string[] = [];
  assert.equal(streamTlsMaterial(configured({ tlscert: file, tlskey: file })), undefined);
  assert.deepEqual(
    streamTlsMaterial(configured(pair), (text) => warnings.push(text)),
    { cert: "pem", key: "pem" },
  );
  assert.match(warnings.join(), /^--stream-tlskey: .* can be read by every user/);
  assert.deepEqual(streamTlsMaterial(configured({ ...pair, ...ca })), { cert: "pem", key: "pem", clientCa });
  assert.throws(() => streamTlsMaterial(configured(ca)), { message: /--stream-tlscacert needs --stream-tlscert/ });
  assert.throws(() => streamTlsMaterial(configured({ "stream-tlskey": file })), {
    message: /--stream-tlscert and --stream-tlskey go together/,
  });
});

test("without certificate and key there is no TLS, with one of them an error", () => {
  assert.equal(tlsMaterial(configured({})), undefined);
  assert.throws(() => tlsMaterial(configured({ tlscert: "/x" })), { message: /--tlscert and --tlskey go together/ });
});

test("a TCP port whose clients need no certificate is refused, or said at every start where it is asked for", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-tls-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "pem");
  writeFileSync(file, "pem", { mode: 0o600 });
  const pair = { tlscert: file, tlskey: file };
  const tcp = { listen: ["unix:///run/p.sock", "tcp://127.0.0.1:2375"], "allow-unauthenticated-tcp": false };
  const served = (flags: object): string[] => {
    const warnings: string[] = [];
    assert.equal(listenAddresses(configured({ ...tcp, ...flags }), (text) => warnings.push(text)).length, 2);
    return warnings;
  };
  assert.throws(() => served({}), /without TLS: whoever reaches it is root on this host; give --tlsverify/);
  assert.throws(() => served(pair), /with TLS to clients without a certificate: .*--allow-unauthenticated-tcp/);
  assert.throws(() => served({ ...pair, tlscacert: file }), /to clients without a certificate/);
  assert.deepEqual(served({ tlsverify: true, ...pair, tlscacert: certificate(join(directory, "ca")) }), []);
  assert.match(served({ "allow-unauthenticated-tcp": true }).join(), /tcp:\/\/127.0.0.1:2375 is served without TLS/);
  assert.match(served({ "allow-unauthenticated-tcp": true, ...pair }).join(), /with TLS to clients without a certificate/);
});

test("a key that every user can read is told", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-tls-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "pem");
  writeFileSync(file, "pem", { mode: 0o644 });
  const warnings: string[] = [];
  tlsMaterial(configured({ tlscert: file, tlskey: file }), (text) => warnings.push(text));
  assert.match(warnings.join(), /can be read by every user/);
});
