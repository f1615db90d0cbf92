import type { FieldDifference } from "./compare.ts";
import { fitsPattern } from "./pattern.ts";

/** A row of the table: a difference that is meant. `*` stands for any text in every column but the reason. */
export interface ExpectedDifference {
  /** Key of the call. */
  call: string;
  /** `status`, `header.name`, `body.Some.Field`, `events.container.3.Action`. */
  field: string;
  /** As JSON, or `absent`. */
  ours: string;
  dockerd: string;
  reason: string;
}

/** Holds differences against the table and remembers which rows were needed. */
export class ExpectedDifferences {
  readonly #unused: Set<ExpectedDifference>;
  readonly #rows: readonly ExpectedDifference[];

  constructor(rows: readonly ExpectedDifference[]) {
    this.#rows = rows;
    this.#unused = new Set(rows);
  }

  /** What is in no row. */
  unexpected(call: string, differences: FieldDifference[]): FieldDifference[] {
    return differences.filter((difference) => {
      const rows = this.#rows.filter((row) => describes(row, call, difference));
      for (const row of rows) this.#unused.delete(row);
      return rows.length === 0;
    });
  }

  /** Rows for which there was no difference. */
  get unused(): ExpectedDifference[] {
    return [...this.#unused];
  }
}

function describes(row: ExpectedDifference, call: string, { field, ours, dockerd }: FieldDifference): boolean {
  return (
    fitsPattern(field, row.field) &&
    fitsPattern(call, row.call) &&
    fitsPattern(ours, row.ours) &&
    fitsPattern(dockerd, row.dockerd)
  );
}
