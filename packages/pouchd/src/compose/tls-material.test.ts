import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Configuration } from "../config/options.ts";
import { tlsMaterial } from "./tls-material.ts";

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
  const ca = { tlscacert: file("ca") };
  assert.deepEqual(tlsMaterial(configured({ ...pair, ...ca })), { cert: "cert", key: "key" });
  assert.deepEqual(tlsMaterial(configured({ ...pair, ...ca, tlsverify: true })), { cert: "cert", key: "key", clientCa: "ca" });
  assert.throws(() => tlsMaterial(configured({ ...pair, tlskey: join(directory, "none") })), {
    message: /^--tlskey: .*none cannot be read$/,
  });
});

test("without certificate and key there is no TLS, with one of them an error", () => {
  assert.equal(tlsMaterial(configured({})), undefined);
  assert.throws(() => tlsMaterial(configured({ tlscert: "/x" })), { message: /--tlscert and --tlskey go together/ });
});
