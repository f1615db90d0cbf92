import assert from "node:assert/strict";
import { test } from "node:test";
import { portText } from "./port-text.ts";

test("runs of ports are drawn together, remapped ones stand alone", () => {
  const tcp = (PrivatePort: number, PublicPort?: number, IP?: string) => ({
    PrivatePort,
    Type: "tcp",
    ...(PublicPort === undefined ? {} : { PublicPort }),
    ...(IP === undefined ? {} : { IP }),
  });
  assert.equal(portText([tcp(80)]), "80/tcp");
  assert.equal(portText([tcp(82), tcp(80), tcp(81)]), "80-82/tcp");
  assert.equal(portText([tcp(80, 80, "0.0.0.0"), tcp(81, 81, "0.0.0.0")]), "0.0.0.0:80-81->80-81/tcp");
  assert.equal(portText([tcp(80, 8080, "0.0.0.0"), tcp(80, 8080, "::")]), "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
  assert.equal(portText([tcp(90), tcp(80, 8080, "127.0.0.1")]), "90/tcp, 127.0.0.1:8080->80/tcp");
});
