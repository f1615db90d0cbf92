import { bool, text } from "./flags/flag-types.ts";

/** Flags that every list has. */
export const listFlags = {
  format: text("Print with a Go template, as 'table TEMPLATE', or as 'json'"),
  "no-trunc": bool("Don't truncate output"),
  quiet: bool("Only print names or IDs", { short: "q" }),
} as const;
