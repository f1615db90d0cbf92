import { helpOf, optionSpecs, type OptionSpec } from "./options.ts";

/** The table of options in docs/operations.md, made from the option table. */
export function optionsDocument(): string {
  const rows = [...optionSpecs].map(
    ([name, spec]) =>
      `| \`--${name}\`${spec.short ? ` \`-${spec.short}\`` : ""} | ${spec.type} | ${shownDefault(spec)} | ${helpOf(spec)} |`,
  );
  return ["| option | type | default | |", "| --- | --- | --- | --- |", ...rows, ""]
    .join("\n")
    .replaceAll("log|fail", "log\\|fail");
}

function shownDefault(spec: OptionSpec): string {
  const value = spec.default;
  if (value === undefined || (typeof value === "object" && value.length === 0)) return "";
  return `\`${String(value)}\``;
}
