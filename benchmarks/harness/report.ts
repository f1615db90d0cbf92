/** A row of a table that compares two engines. */
export interface Measure<T> {
  name: string;
  unit: string;
  /** Ours over theirs must not be above (or, for `higher`, below) this. */
  budget: number;
  higher?: boolean;
  measure(engine: T): Promise<number>;
}

/** Median of that many times the work, in milliseconds. */
export async function median(times: number, work: () => Promise<void>): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await work();
    samples.push(performance.now() - started);
  }
  return samples.toSorted((a, b) => a - b)[Math.floor(times / 2)] ?? NaN;
}

export function reportHead(ours: string, theirs: string): void {
  console.log(`${"".padEnd(12)} ${ours.padStart(9)} ${theirs.padStart(9)} ${"ratio".padStart(7)}  budget`);
}

export function report(
  name: string,
  ours: number,
  theirs: number | undefined,
  row: { unit: string; budget: number; higher?: boolean },
): void {
  const ratio = theirs === undefined ? NaN : ours / theirs;
  const kept = Number.isNaN(ratio) ? "" : (row.higher ? ratio >= row.budget : ratio <= row.budget) ? "kept" : "MISSED";
  const columns = [
    name.padEnd(12),
    ours.toFixed(1).padStart(9),
    (theirs?.toFixed(1) ?? "–").padStart(9),
    ratio.toFixed(2).padStart(7),
  ];
  console.log(`${columns.join(" ")}  ${row.higher ? "≥" : "≤"} ${String(row.budget).padEnd(5)} ${kept.padEnd(7)} ${row.unit}`);
}
