import { invalidArgument } from "@pouchcontainer/plugin-sdk";

const units: Record<string, number> = { "": 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Bytes of a size as docker's `--memory` takes it: `64m`, `1.5g`, `512k`, `1073741824`. */
export function parseSize(variable: string, text: string): number {
  const parts = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  const unit = units[parts?.[2]?.toLowerCase() ?? ""];
  if (parts === null || unit === undefined) throw invalidArgument(`${variable} must be a size such as 64m or 1g, got "${text}"`);
  return Math.floor(Number(parts[1]) * unit);
}
