import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { EngineClient } from "./engine-client.ts";
import { parseHost } from "./host-address.ts";

/** An authority and a certificate for localhost that serves both sides. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const subject = (name: string): string[] => [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-subj",
    `/CN=${name}`,
  ];
  openssl("req", "-x509", ...subject("test authority"), "-keyout", "ca-key.pem", "-out", "ca.pem", "-days", "2");
  openssl(
    "req",
    "-x509",
    ...subject("localhost"),
    "-addext",
    "subjectAltName=DNS:localhost",
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca-key.pem",
    "-keyout",
    "key.pem",
    "-out",
    "cert.pem",
    "-days",
    "2",
  );
}

test("TLS shows the client's certificate and refuses a daemon the authority does not know", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-cli-tls-"));
  const file = (name: string): string => join(folder, name);
  makeCertificates(folder);
  const server = createServer(
    {
      ca: readFileSync(file("ca.pem")),
      cert: readFileSync(file("cert.pem")),
      key: readFileSync(file("key.pem")),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (_, response) => response.end('{"secret":true}'),
  );
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  // A listening TCP server has an AddressInfo (node:net).
  const { port } = server.address() as AddressInfo;
  const client = (tls: { verify: boolean; caFile: string }): EngineClient =>
    new EngineClient({
      address: parseHost(`tcp://localhost:${port}`),
      pinnedVersion: "1.51",
      tls: { ...tls, certFile: file("cert.pem"), keyFile: file("key.pem") },
    });
  assert.deepEqual(await client({ verify: true, caFile: file("ca.pem") }).getJson("/x"), { secret: true });
  assert.deepEqual(await client({ verify: false, caFile: file("none.pem") }).getJson("/x"), { secret: true });
  await assert.rejects(client({ verify: true, caFile: file("none.pem") }).getJson("/x"), /certificate/);
});
