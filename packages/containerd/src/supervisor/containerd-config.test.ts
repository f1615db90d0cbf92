import assert from "node:assert/strict";
import { test } from "node:test";
import { containerdConfig } from "./containerd-config.ts";

test("paths with quotes and backslashes stay inside their TOML strings", () => {
  const config = containerdConfig({ root: '/a "b"\\c', state: "/s", address: "/c.sock", debug: false });
  assert.match(config, /^root = "\/a \\"b\\"\\\\c"$/m);
  assert.match(config, /^ {2}address = "\/c\.sock\.ttrpc"$/m);
  assert.doesNotMatch(config, /tcp_address/);
});
