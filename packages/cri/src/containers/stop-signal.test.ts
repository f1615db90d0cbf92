import assert from "node:assert/strict";
import { test } from "node:test";
import { Signal } from "../gen/runtime_v1_pb.ts";
import { criSignal, signalName } from "./stop-signal.ts";

test("every signal of CRI has Docker's name, and comes back by it", () => {
  for (const signal of Object.values(Signal)) {
    const name = signalName(signal);
    if (signal === Signal.RUNTIME_DEFAULT) assert.equal(name, undefined);
    else assert.equal(criSignal(name ?? ""), signal);
  }
  assert.equal(signalName(Signal.SIGRTMAXMINUS2), "SIGRTMAX-2");
});

test("signals are read as people write them; who says none gets SIGTERM", () => {
  assert.equal(criSignal("quit"), Signal.SIGQUIT);
  assert.equal(criSignal(""), Signal.SIGTERM);
  assert.equal(criSignal("15"), Signal.RUNTIME_DEFAULT);
});
