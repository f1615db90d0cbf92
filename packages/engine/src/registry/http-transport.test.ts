import assert from "node:assert/strict";
import { once } from "node:events";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { HttpTransport, readBody } from "./http-transport.ts";

interface Seen {
  method: string | undefined;
  authorization: string | undefined;
  body: string;
}

/** A server that redirects from `/` with a status, and notes what is asked of it elsewhere. */
async function server(
  t: TestContext,
  redirect?: { status: number; location: string },
  certificate?: { cert: string; key: string },
): Promise<{ origin: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    if (redirect !== undefined && request.url === "/") {
      response.writeHead(redirect.status, { location: redirect.location }).end();
      return;
    }
    seen.push({ method: request.method, authorization: request.headers.authorization, body });
    response.end("{}");
  };
  const listener: RequestListener = (request, response) => {
    text(request).then(
      (body) => answer(request, response, body),
      () => response.destroy(),
    );
  };
  const listening = certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener);
  await once(listening.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    listening.closeAllConnections();
    listening.close();
  });
  const address = listening.address();
  assert.ok(typeof address === "object" && address !== null);
  return { origin: `http${certificate === undefined ? "" : "s"}://127.0.0.1:${address.port}`, seen };
}

/** A certificate for 127.0.0.1 that nobody signed. */
function selfSigned(t: TestContext): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "pouch-transport-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const whose = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", ...kind, ...whose, "-keyout", key, "-out", cert], { stdio: "ignore" });
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

function transport(t: TestContext): HttpTransport {
  const made = new HttpTransport({ env: {}, userAgent: "test" });
  t.after(() => made.close());
  return made;
}

const tls = { skipVerify: false, authorities: [], clients: [] };
const post = (url: string) => ({
  method: "POST" as const,
  url,
  headers: { authorization: "Basic eHk=" },
  body: "refresh_token=secret",
  tls,
  signal: new AbortController().signal,
});

for (const status of [301, 302, 303])
  test(`after a ${status} the body stays behind, and a GET follows`, async (t) => {
    const other = await server(t);
    const first = await server(t, { status, location: `${other.origin}/there` });
    await readBody(await transport(t).send(post(first.origin)), 100);
    assert.deepEqual(other.seen, [{ method: "GET", authorization: undefined, body: "" }]);
  });

for (const status of [307, 308])
  test(`a ${status} takes the body along on the same server, and to no other`, async (t) => {
    const other = await server(t);
    const within = await server(t, { status, location: "/there" });
    await readBody(await transport(t).send(post(within.origin)), 100);
    assert.deepEqual(within.seen, [{ method: "POST", authorization: "Basic eHk=", body: "refresh_token=secret" }]);
    const across = await server(t, { status, location: `${other.origin}/there` });
    await assert.rejects(transport(t).send(post(across.origin)), {
      name: "HttpError",
      message: `Post "${across.origin}": redirected to ${other.origin}: what it sends is for the origin that was asked, and no other`,
    });
    assert.deepEqual(other.seen, []);
  });

test("a HEAD stays one, whatever the redirect", async (t) => {
  const other = await server(t);
  const first = await server(t, { status: 302, location: `${other.origin}/there` });
  const { body: _body, ...head } = post(first.origin);
  (await transport(t).send({ ...head, method: "HEAD" })).body.resume();
  assert.deepEqual(other.seen, [{ method: "HEAD", authorization: undefined, body: "" }]);
});

test("no redirect leads a request for a credential out of TLS, unless the registry is an insecure one", async (t) => {
  const certificate = selfSigned(t);
  const clear = await server(t);
  const first = await server(t, { status: 302, location: `${clear.origin}/token` }, certificate);
  const trusting = { ...tls, authorities: [certificate.cert] };
  const ask = { ...post(first.origin), secret: true, tls: trusting };
  await assert.rejects(transport(t).send(ask), {
    message: `Post "${first.origin}": redirected to ${clear.origin}, in the clear: a token is fetched over TLS only`,
  });
  assert.deepEqual(clear.seen, []);
  (await transport(t).send({ ...ask, tls: { ...trusting, skipVerify: true } })).body.resume();
  (await transport(t).send({ ...ask, secret: false })).body.resume();
  assert.deepEqual(
    clear.seen.map(({ method, authorization, body }) => [method, authorization, body]),
    [
      ["GET", undefined, ""],
      ["GET", undefined, ""],
    ],
  );
});
