/** Column layout as Go's `text/tabwriter` makes it with padding 3 and blanks: what every table of Docker's is printed with. */
const padding = 3;

/**
 * Aligns tab-terminated cells. A column is a run of consecutive lines that have that cell, so that a line without it ends the
 * column. The text after the last tab of a line takes part in no column.
 */
export function alignColumns(text: string, minimumWidth = 10): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map((): number[] => []);
  format({ lines, widths, minimumWidth }, 0, lines.length, 0);
  return lines.map((cells, row) => cells.map((cell, column) => pad(cell, widths[row]?.[column] ?? 0)).join("")).join("\n");
}

interface Layout {
  lines: readonly string[][];
  /** Width of each cell that ends with a tab, by line. */
  widths: number[][];
  minimumWidth: number;
}

/** Finds the runs of lines from `from` to `to` that have the cell `column` and sets its width there, then goes one column on. */
function format(layout: Layout, from: number, to: number, column: number): void {
  const { lines, widths } = layout;
  let row = from;
  while (row < to) {
    if (!hasCell(lines[row], column)) {
      row++;
      continue;
    }
    const start = row;
    let width = layout.minimumWidth;
    for (; row < to && hasCell(lines[row], column); row++) {
      width = Math.max(width, displayWidth(lines[row]?.[column] ?? "") + padding);
    }
    for (let one = start; one < row; one++) widths[one]?.push(width);
    format(layout, start, row, column + 1);
  }
}

const hasCell = (cells: readonly string[] | undefined, column: number): boolean =>
  cells !== undefined && column < cells.length - 1;

const pad = (cell: string, width: number): string => cell + " ".repeat(Math.max(0, width - displayWidth(cell)));

/** Number of characters; a character outside the basic plane is one. */
function displayWidth(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
