import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Configuration } from "../config/options.ts";
import { pluginSignatures } from "./plugin-signatures.ts";

test("keys of signatures are read at the start, and one that is none is refused with its file", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-keys-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const read = (...files: string[]) =>
    // What is looked at are these two.
    pluginSignatures({ "plugin-signature-keys": files, "require-plugin-signatures": true } as Configuration);
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const good = write("good.pub", publicKey.export({ type: "spki", format: "pem" }));
  assert.deepEqual(
    read(good).keys.map(({ name }) => name),
    [good],
  );
  const message = (text: string) => ({ message: new RegExp(`^--plugin-signature-keys: ${folder}/${text}`) });
  assert.throws(() => read(good, write("bad.pub", "no key")), message("bad\\.pub is no key that can be read"));
  assert.throws(() => read(join(folder, "none.pub")), message("none\\.pub cannot be read: ENOENT"));
});
