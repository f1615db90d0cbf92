import { invalidArgument } from "@pouchcontainer/errors";
import { constants } from "node:os";

const realtimeMin = 34;
const realtimeMax = 64;

const numbers: ReadonlyMap<string, number> = new Map([
  ...Object.entries(constants.signals).map(([name, number]) => [name.replace(/^SIG/, ""), number] as const),
  ["CLD", constants.signals.SIGCHLD],
  ["IOT", constants.signals.SIGIOT],
  ["RTMIN", realtimeMin],
  ["RTMAX", realtimeMax],
  ...Array.from({ length: 15 }, (_, index) => [`RTMIN+${index + 1}`, realtimeMin + index + 1] as const),
  ...Array.from({ length: 14 }, (_, index) => [`RTMAX-${index + 1}`, realtimeMax - index - 1] as const),
]);

/** Number of a signal given by name (with or without `SIG`, any case, real-time ones included) or by number. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number === 0 || number > realtimeMax) throw invalidArgument(`Invalid signal: ${text}`);
    return number;
  }
  const number = numbers.get(text.toUpperCase().replace(/^SIG/, ""));
  if (number === undefined) throw invalidArgument(`Invalid signal: ${text}`);
  return number;
}
