/** Sizes, durations and ids as Docker's tables spell them. */

const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

function scaled(size: number, base: number, units: readonly string[], digits: number): string {
  let value = size;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return significant(value, digits) + units[unit];
}

/** Go's `%.<digits>g` for numbers of ordinary size. */
function significant(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)));
}

/** 1500 → `1.5kB`. */
export const decimalSize = (bytes: number): string => scaled(bytes, 1000, decimalUnits, 4);
/** The same with three digits, as image sizes are shown. */
export const shortDecimalSize = (bytes: number): string => scaled(bytes, 1000, decimalUnits, 3);
/** 1536 → `1.5KiB`. */
export const binarySize = (bytes: number): string => scaled(bytes, 1024, binaryUnits, 4);

/** A span of time in words, the largest unit only: `5 minutes`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(hours / 24 / 365)} years`;
}

/** Seconds since the epoch as `5 minutes ago`. */
export function ago(seconds: number, nowMs: number): string {
  return `${humanDuration(nowMs - seconds * 1000)} ago`;
}

/** Seconds since the epoch in Go's default notation, in UTC: `2026-01-31 12:00:00 +0000 UTC`. */
export function goTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 19)} +0000 UTC`;
}

/** The first twelve characters of an id, without its `sha256:`. */
export function shortId(id: string): string {
  const colon = id.indexOf(":");
  return id.slice(colon + 1, colon + 13);
}

/** At most `width` characters, the last one being `…` where something was cut. */
export function ellipsis(text: string, width: number): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  return width <= 1 ? characters.slice(0, width).join("") : `${characters.slice(0, width - 1).join("")}…`;
}
