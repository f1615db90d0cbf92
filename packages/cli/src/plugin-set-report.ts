import type { PluginPrivilege, PluginSetReport } from "@pouchcontainer/api";
import { legibleLine } from "@pouchcontainer/errors";
import { privilegeText } from "./plugin-privileges.ts";

type Change = PluginSetReport["changed"][number];
type Facts = NonNullable<Change["from"]>;

/** What a set changes, a paragraph for each plugin: `- ` what was, `+ ` what is to be. */
export function setReportText({ changed, order }: PluginSetReport): string {
  if (changed.length === 0 && order === undefined) return "Nothing to change.\n";
  const plugins = changed.map(
    ({ name, action, from, to, granted = [] }) =>
      `${action} ${name}\n${differenceText(from, to)}${granted.map(grantText).join("")}`,
  );
  const ordered = order === undefined ? "" : `order\n${side("-", "", order.from.join(" "))}${side("+", "", order.to.join(" "))}`;
  return `${plugins.join("")}${ordered}`;
}

function differenceText(from: Facts | undefined, to: Facts | undefined): string {
  return (["version", "content", "source", "enabled", "mode", "configuration"] as const)
    .map((key) => {
      const [before, after] = [from?.[key], to?.[key]].map((value) => (value === undefined ? undefined : textOf(value)));
      return before === after ? "" : `${side("-", key, before)}${side("+", key, after)}`;
    })
    .join("");
}

function grantText(privilege: PluginPrivilege): string {
  return side("+", "granted", privilegeText(privilege));
}

function side(sign: string, key: string, value: string | undefined): string {
  if (value === undefined || value === "") return "";
  return `  ${sign} ${key === "" ? "" : `${key}: `}${legibleLine(value)}\n`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
