import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CredentialHelper } from "./credential-helper.ts";

test("a helper that answers without reading what it is asked is heard", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "helper-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const script = `#!/bin/sh\nexec <&-\necho '{"Username":"me","Secret":"secret"}'\n`;
  writeFileSync(join(folder, "docker-credential-sample"), script, { mode: 0o755 });
  const helper = new CredentialHelper("sample", { PATH: `${folder}:${process.env["PATH"]}` });
  // More than a pipe holds.
  const server = "r".repeat(1 << 20);
  assert.deepEqual(helper.get(server), { username: "me", password: "secret", serveraddress: server });
  helper.erase(server);
});
