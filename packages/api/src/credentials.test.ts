import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutCredentials } from "./credentials.ts";

test("credentials in a text are known by their form", () => {
  const cases: Record<string, string> = {
    'Get "https://me:pass@reg.example/v2/": EOF': 'Get "https://***@reg.example/v2/": EOF',
    "Authorization: Bearer abc.def next": "Authorization: Bearer *** next",
    '{"authorization":"Basic eHk="}': '{"authorization":"Basic ***"}',
    "authorization = 'basic  eHk='": "authorization = 'basic  ***'",
    "Proxy-Authorization:\tbearerabc": "Proxy-Authorization:\tbearer***",
    "authorization: basic, and": "authorization: ***, and",
    'authorization:" Basic eHk=': 'authorization:" Basic ***',
    "authorization: abc": "authorization: ***",
    "X-Registry-Auth: eyJ1": "X-Registry-Auth: ***",
    "X-Registry-Config: eyJ1": "X-Registry-Config: ***",
    "POST /build?t=a&buildargs=%7B%22A%22%3A1%7D&q=1": "POST /build?t=a&buildargs=***&q=1",
    "https://me:p@ss@host/x and me@host": "https://***@host/x and me@host",
    "sh -c 'export DB_PASSWORD=abc; run --api-key abc --tries 3'": "sh -c 'export DB_PASSWORD=*** run --api-key *** --tries 3'",
    '--config={"password": "a b", "user":"c"}': '--config={"password": ***, "user":"c"}',
    '"{\\"token\\":\\"abc\\"}"': '"{\\"token\\":\\***}"',
    "docker run -e NAME=abc -e 'OTHER=a b' --env=X=abc image": "docker run -e NAME=*** -e 'OTHER=***' --env=X=*** image",
    "user=u,password=abc": "user=u,password=***",
    "GET /x?access_token=abc&page=2": "GET /x?access_token=***&page=2",
    "--password \\\n  abc next": "--password \\\n  *** next",
    "X-Vault-Token: abc, Cookie: a=b; c=d": "X-Vault-Token: ***, Cookie: ***",
    "no token: it has expired --token-ttl 5 --keys=7 --no-password -x":
      "no token: it has expired --token-ttl 5 --keys=7 --no-password -x",
    "unix:///var/run/x.sock and docker.io/library/a@sha256:12": "unix:///var/run/x.sock and docker.io/library/a@sha256:12",
  };
  for (const [text, shown] of Object.entries(cases)) {
    assert.equal(withoutCredentials(text), shown);
    assert.equal(withoutCredentials(shown), shown);
  }
});

test("a long word is read once, not from each of its letters", () => {
  const word = "a".repeat(1 << 20);
  assert.equal(withoutCredentials(word), word);
  assert.equal(withoutCredentials(`${word}://user:word@host`), `${word}://***@host`);
});

test("no text takes more than its length to be masked: in the square of it this would take very long", () => {
  const long = (unit: string): string => unit.repeat((1 << 18) / unit.length);
  for (const before of [
    "authorization",
    "proxy-authorization:",
    "authorization: basic",
    'authorization="',
    "x-registry-auth",
    "buildargs=",
    "--password",
    'token="',
    "-e ",
    "cookie:",
  ])
    for (const run of [
      " ",
      "\t",
      '"',
      ":",
      "authorization:",
      "basic ",
      "a://",
      "x-registry-auth:",
      "buildargs=",
      "%",
      "-",
      "--a",
      "token=",
      "token'",
      "secret-key",
      "-e A=",
      "\\",
    ])
      for (const after of [",", "@", "'"]) withoutCredentials(before + long(run) + after);
  assert.equal(withoutCredentials(`authorization:${long(" ")},`), `authorization:${long(" ")},`);
});
