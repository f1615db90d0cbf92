import assert from "node:assert/strict";
import { test } from "node:test";
import { type ContainerState, zeroTime } from "./container-record.ts";
import { networkedContainer } from "./network-view.ts";
import { sampleRecord } from "./spec/sample-record.ts";

test("the networks of a run are told as long as it runs, and its end is one for everybody", () => {
  const started = "2026-01-02T03:04:05Z";
  const phases: [Partial<ContainerState>, string][] = [
    [{ status: "created", startedAt: zeroTime }, "new"],
    [{ status: "created", startedAt: zeroTime, error: "no such program" }, "ended"],
    [{ status: "running", startedAt: started }, "running"],
    [{ status: "paused", startedAt: started }, "running"],
    [{ status: "restarting", startedAt: started }, "ended"],
    [{ status: "exited", startedAt: started }, "ended"],
  ];
  for (const [state, phase] of phases) {
    const record = sampleRecord();
    assert.equal(
      networkedContainer({ ...record, state: { ...record.state, ...state } }, "/c").phase,
      phase,
      JSON.stringify(state),
    );
  }
});
