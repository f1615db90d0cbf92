import type { JsonMessage } from "@pouchcontainer/api";
import { legibleLine } from "@pouchcontainer/errors";
import type { Output } from "./output.ts";
import { decimalSize } from "./units.ts";

/** A line of a progress stream; what is no object is an empty message. */
export function readMessage(value: unknown): JsonMessage {
  // The contract of the stream (api's JsonMessage); every field is optional and is checked where it is used.
  return typeof value === "object" && value !== null ? value : {};
}

/** Draws progress: on a terminal one line for each layer, redrawn in place; elsewhere a line for each change of status. */
export class ProgressDisplay {
  readonly #out: Output;
  /** Which line, counted from the first, belongs to an id. */
  readonly #lines = new Map<string, number>();

  constructor(out: Output) {
    this.#out = out;
  }

  show(message: JsonMessage): void {
    const { id, status } = message;
    if (message.stream !== undefined) {
      this.#out.write(message.stream);
      return;
    }
    if (status === undefined) return;
    const bar = progressText(message, this.#out.columns());
    if (!this.#out.isTTY) {
      if (bar === "") this.#out.write(`${id === undefined || id === "" ? "" : `${id}: `}${status}\n`);
      return;
    }
    if (id === undefined || id === "") {
      this.#lines.clear();
      this.#out.write(`${status}\n`);
      return;
    }
    this.#redraw(id, `${id}: ${status}${bar === "" ? "" : ` ${bar}`}`);
  }

  /** Goes up to the line of an id, replaces it, and comes back below the last line. */
  #redraw(id: string, text: string): void {
    const shown = legibleLine(text);
    const known = this.#lines.get(id);
    if (known === undefined) {
      this.#lines.set(id, this.#lines.size);
      this.#out.write(Buffer.from(`${shown}\u001b[K\n`));
      return;
    }
    const up = this.#lines.size - known;
    this.#out.write(Buffer.from(`\u001b[${up}A\r${shown}\u001b[K\u001b[${up}B\r`));
  }
}

const barWidth = 50;

/** `[=====>     ]  1.2MB/3.4MB`, the bar only where the window has room for it. */
export function progressText({ progressDetail, progress }: JsonMessage, columns: number): string {
  const { current = 0, total = 0, units } = progressDetail ?? {};
  if (current <= 0 && total <= 0) return progress ?? "";
  const size = (value: number): string => (units === undefined || units === "" ? decimalSize(value) : `${value} ${units}`);
  if (total <= 0) return units === undefined || units === "" ? size(current).padStart(8) : size(current);
  const filled = Math.min(barWidth, Math.floor((current / total) * barWidth));
  const arrow = filled < barWidth ? ">" : "";
  const bar =
    columns > 110 ? `[${"=".repeat(filled)}${arrow}${" ".repeat(Math.max(0, barWidth - filled - arrow.length))}]  ` : "";
  const numbers = current > total ? size(current).padStart(8) : `${size(current).padStart(8)}/${size(total)}`;
  return bar + numbers;
}
