import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { isSecretField, maskSecrets, secretsIn, withoutSecrets } from "./secrets.ts";

test("a secret is known by its meaning, in every spelling", () => {
  for (const field of ["Env", "env", "environment", "Environ", "buildargs", "build-args", "BUILD_ARGS", "X-Registry-Auth"])
    assert.ok(isSecretField(field), field);
  for (const field of ["identitytoken", "IdentityToken", "identity_token", "Authorization", "password", "auth"])
    assert.ok(isSecretField(field), field);
  for (const field of [
    "com.example.db-password",
    "vault/Token",
    "AWS_SECRET_ACCESS_KEY",
    "dbPassword",
    "x.basicauth.users",
    "db.pass",
  ])
    assert.ok(isSecretField(field), field);
  for (const field of [
    "Image",
    "Labels",
    "args",
    "Environs1",
    "author",
    "Compass",
    "maxTokens",
    "password-policy",
    "tokenTtl",
    "key",
  ])
    assert.ok(!isSecretField(field), field);
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

test("secrets of a command line are masked in all of its forms, and what runs stays to be seen", () => {
  const curl = "curl -fsS -H 'X-Api-Key: eight' https://me:nine@host/health || exit 1";
  const body = {
    Entrypoint: ["/entry", "--db-password=one two&three", "-Dspring.password='four'"],
    Cmd: ["app", "--token", "five", "--token", "--verbose", "-e", "SIZE=six", "PGPASSWORD=seven", "--max-tokens=9", "--", "a=b"],
    Healthcheck: { Test: ["CMD-SHELL", curl] },
    Labels: { "example.com/db-password": "ten-ten-ten", "example.com/team": "infra" },
  };
  assert.deepEqual(withoutSecrets(body), {
    Entrypoint: ["/entry", "--db-password=***", "-Dspring.password=***"],
    Cmd: ["app", "--token", "***", "--token", "--verbose", "-e", "SIZE=***", "PGPASSWORD=***", "--max-tokens=9", "--", "a=b"],
    Healthcheck: { Test: ["CMD-SHELL", "curl -fsS -H 'X-Api-Key: ***' https://***@host/health || exit 1"] },
    Labels: { "example.com/db-password": "***", "example.com/team": "infra" },
  });
  assert.equal(withoutSecrets("hunter2", ["Cmd", "3"], "--password"), "***");
  const found = secretsIn(body);
  for (const secret of ["one two&three", "'four'", "five", "seven", "eight", "me:nine", "ten-ten-ten"])
    assert.ok(found.includes(secret), secret);
  assert.equal(maskSecrets("cannot use one two&three", found), "cannot use ***");
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

test("among thousands of secrets those in the text are found, alone and within a longer one", () => {
  const secrets = secretsIn({ Env: Array.from({ length: 20_000 }, (_, index) => `V${index}=value-number-${index}`) });
  const text = `no value-number-7, no value-number-19999; ${"value-number ".repeat(600)}xvalue-number-123x`;
  assert.equal(maskSecrets(text, secrets), `no ***, no ***; ${"value-number ".repeat(600)}x***x`);
});
