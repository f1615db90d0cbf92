import assert from "node:assert/strict";

/** `process.kill` of one process: 0 and negative numbers, which mean the test's own group and others, are refused. */
export function sendSignal(pid: number | undefined, signal: NodeJS.Signals | 0): void {
  assert.ok(pid !== undefined && Number.isInteger(pid) && pid > 1, `${signal} for ${pid}, which is no process to be signalled`);
  process.kill(pid, signal);
}
