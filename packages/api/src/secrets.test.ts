import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { isSecretField, maskSecrets, secretsIn, withoutCredentials, withoutSecrets } from "./secrets.ts";

test("a secret is known by its meaning, in every spelling", () => {
  for (const field of ["Env", "env", "environment", "Environ", "buildargs", "build-args", "BUILD_ARGS", "X-Registry-Auth"])
    assert.ok(isSecretField(field), field);
  for (const field of ["identitytoken", "IdentityToken", "identity_token", "Authorization", "password", "auth"])
    assert.ok(isSecretField(field), field);
  for (const field of ["Image", "Labels", "args", "Environs1", "author"]) assert.ok(!isSecretField(field), field);
});

test("names of variables stay, values do not, wherever they sit", () => {
  assert.deepEqual(
    withoutSecrets({
      Env: ["A=one", "B"],
      hooks: [{ args: ["/bin/x", "-v"], env: ["C=two=three"], environment: { D: "four" } }],
      buildargs: { E: "five", F: null },
      auth: { username: "u", password: "six" },
      registry: { identitytoken: "seven" },
      proxy: "http://me:eight@proxy:3128/x",
      size: 9,
    }),
    {
      Env: ["A=***", "B"],
      hooks: [{ args: ["/bin/x", "-v"], env: ["C=***"], environment: { D: "***" } }],
      buildargs: { E: "***", F: null },
      auth: { username: "***", password: "***" },
      registry: { identitytoken: "***" },
      proxy: "http://***@proxy:3128/x",
      size: 9,
    },
  );
  assert.equal(withoutSecrets("A=one", ["hooks", "0", "env", "1"]), "A=***");
});

test("variables as CRI writes them are masked too, and their names stay", () => {
  const request = { config: { envs: [{ key: "PATHS", value: "hunter2hunter2" }], labels: { key: "open", value: "open" } } };
  assert.deepEqual(withoutSecrets(request), {
    config: { envs: [{ key: "PATHS", value: "***" }], labels: { key: "open", value: "open" } },
  });
  assert.deepEqual(secretsIn(request), ["hunter2hunter2"]);
});

test("secrets of a body are taken out of a text somebody made of it; short values are no secrets", () => {
  const secrets = secretsIn({ config: { Env: ["A=hunter2", "B=hunter2hunter2", "C=1"], Image: "hunter" } });
  assert.deepEqual(secrets, ["hunter2hunter2", "hunter2"]);
  assert.equal(maskSecrets("no hunter2hunter2 or hunter2 in 1 hunter", secrets), "no *** or *** in 1 hunter");
});

test("secrets are found in data only, and masked as JSON spells them too", () => {
  const secrets = secretsIn({ Env: [Buffer.from("bytes"), Readable.from(["stream"]), 'A=say "hunter2"'] });
  assert.deepEqual(secrets, ['say \\"hunter2\\"', 'say "hunter2"']);
  assert.equal(maskSecrets('"A=say \\"hunter2\\""', secrets), '"A=***"');
});

test("a short value is masked where it stands alone, and not inside of words", () => {
  const secrets = secretsIn({ Env: ["LEVEL=info", "PORT=8080", "PIN=a.1b"] });
  assert.equal(
    maskSecrets('information: LEVEL=info, got "info" infoinfo on :8080 (18080) a.1b a.1bc', secrets),
    'information: LEVEL=***, got "***" infoinfo on :*** (18080) *** a.1bc',
  );
});

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
    "POST /build?t=a&buildargs=%7B%22A%22%3A1%7D&q=1": "POST /build?t=a&buildargs=***&q=1",
    "unix:///var/run/x.sock and docker.io/library/a@sha256:12": "unix:///var/run/x.sock and docker.io/library/a@sha256:12",
  };
  for (const [text, shown] of Object.entries(cases)) assert.equal(withoutCredentials(text), shown);
});

test("a long word is read once, not from each of its letters", () => {
  const word = "a".repeat(1 << 20);
  assert.equal(withoutCredentials(word), word);
  assert.equal(withoutCredentials(`${word}://user:word@host`), `${word}://***@host`);
});

test("no text takes more than its length to be masked: in the square of it this would take hours", () => {
  const long = (unit: string): string => unit.repeat((1 << 20) / unit.length);
  for (const before of [
    "authorization",
    "proxy-authorization:",
    "authorization: basic",
    'authorization="',
    "x-registry-auth",
    "buildargs=",
  ])
    for (const run of [" ", "\t", '"', ":", "authorization:", "basic ", "a://", "x-registry-auth:", "buildargs=", "%"])
      for (const after of [",", "@", "'"]) withoutCredentials(before + long(run) + after);
  assert.equal(withoutCredentials(`authorization:${long(" ")},`), `authorization:${long(" ")},`);
  assert.equal(maskSecrets(long("=abc"), ["=abc"]), long("=abc").replaceAll("=abc", "***"));
});

test("among thousands of secrets those in the text are found, alone and within a longer one", () => {
  const secrets = secretsIn({ Env: Array.from({ length: 20_000 }, (_, index) => `V${index}=value-number-${index}`) });
  const text = `no value-number-7, no value-number-19999; ${"value-number ".repeat(600)}xvalue-number-123x`;
  assert.equal(maskSecrets(text, secrets), `no ***, no ***; ${"value-number ".repeat(600)}x***x`);
});
