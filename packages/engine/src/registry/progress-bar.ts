const barWidth = 50;

/** The text form of progress older clients print, `[=====>    ]  1.2MB/4.5MB`. */
export function progressBar(current: number, total: number): string {
  if (total <= 0) return humanSize(current).padStart(8);
  const done = Math.min(Math.floor(Math.floor((current / total) * 100) / 2), barWidth);
  const numbers = current > total ? humanSize(current).padStart(8) : `${humanSize(current).padStart(8)}/${humanSize(total)}`;
  return `[${"=".repeat(done)}>${" ".repeat(barWidth - done)}] ${numbers}`;
}

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Decimal units with four significant digits, as Docker prints sizes. */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}
