import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenStore } from "./token-store.ts";

function storeWith({ maxTokens = 3 } = {}) {
  const clock = { now: 0 };
  return { clock, tokens: new TokenStore<string>({ lifetimeMs: 60_000, maxTokens, now: () => clock.now }) };
}

test("a token counts once", () => {
  const { tokens } = storeWith();
  const token = tokens.issue("exec");
  assert.match(token, /^[\w-]{24}$/);
  assert.equal(tokens.redeem(token), "exec");
  assert.equal(tokens.redeem(token), undefined);
});

test("a token counts for its lifetime, and unknown ones never", () => {
  const { clock, tokens } = storeWith();
  const [early, late] = [tokens.issue("early"), tokens.issue("late")];
  clock.now = 59_999;
  assert.equal(tokens.redeem(early), "early");
  clock.now = 60_000;
  assert.equal(tokens.redeem(late), undefined);
  assert.equal(tokens.redeem("junk"), undefined);
});

test("only so many tokens wait, and expired ones make room", () => {
  const { clock, tokens } = storeWith({ maxTokens: 2 });
  tokens.issue("one");
  tokens.issue("two");
  assert.throws(
    () => tokens.issue("three"),
    (thrown) => isKind(thrown, "resourceExhausted"),
  );
  clock.now = 60_000;
  tokens.issue("three");
});
