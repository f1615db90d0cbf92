import { legibleLine } from "@pouchcontainer/errors";

/** A call of a plugin as the daemon's trace and dry run report it. */
export interface PluginCall {
  time?: string;
  plugin: string;
  version?: string;
  point: string;
  durationMs?: number;
  outcome: string;
  shadow?: boolean;
  withheld?: string[];
  patch?: { op: string; path: string; value?: unknown; from?: string }[];
  patchCut?: { operations: number; bytes: number };
  conflicts?: unknown[];
  conflictsCut?: number;
  error?: string;
  container?: { id?: string; name?: string };
  leftOut?: number;
}

/** One call as lines: who, where, how long and how it ended, then its changes. */
export function callText(call: PluginCall): string {
  const who = call.version === undefined ? call.plugin : `${call.plugin}@${call.version}`;
  const about = call.container?.name ?? call.container?.id?.slice(0, 12);
  const head = [
    call.time,
    who,
    call.point,
    about,
    call.durationMs === undefined ? undefined : `${call.durationMs.toFixed(2)}ms`,
    call.shadow === true ? shadowText(call.outcome) : call.outcome,
  ];
  const changes = (call.patch ?? []).map(
    ({ op, path, value, from }) =>
      `    ${op} ${legibleLine(path)}${from === undefined ? "" : ` from ${legibleLine(from)}`}${value === undefined ? "" : ` ${JSON.stringify(value)}`}\n`,
  );
  const withheld = (call.withheld ?? []).map((what) => `    would ${legibleLine(what)}\n`);
  const cut = call.patchCut === undefined ? "" : `    ${cutText(call.patchCut)}\n`;
  const conflicts = (call.conflicts ?? []).map((one) => `    conflict ${JSON.stringify(one)}\n`);
  const error = call.error === undefined ? "" : `    error: ${call.error.replaceAll("\n", "\n    ")}\n`;
  const moreConflicts = call.conflictsCut === undefined ? "" : `    left out: ${call.conflictsCut} more conflicts\n`;
  const gap = call.leftOut === undefined ? "" : `left out: ${call.leftOut} calls\n`;
  return `${gap}${legibleLine(head.filter((part) => part !== undefined && part !== "").join("  "))}\n${changes.join("")}${withheld.join("")}${cut}${conflicts.join("")}${moreConflicts}${error}`;
}

function shadowText(outcome: string): string {
  const would: Readonly<Record<string, string>> = { changed: "would change", refused: "would refuse" };
  return `shadow: ${would[outcome] ?? outcome}`;
}

function cutText({ operations, bytes }: { operations: number; bytes: number }): string {
  const whole = operations === 0 ? "" : `, ${operations} more operations among them`;
  return `left out: ${bytes} bytes of the patch${whole}`;
}
