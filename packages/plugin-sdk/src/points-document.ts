import { pointRules, type Argument, type PointEntry } from "./point-rules.ts";
import { entryOf, isAskedAfterChanges, membersOf, pointNames } from "./point-table.ts";
import type { PointName } from "./points.ts";
import { pointPath } from "./wire/wire.ts";

/** The table of calls in docs/plugin-protocol.md. */
export function protocolTable(): string {
  const rows = pointNames.map((point) => {
    const [request, answer] = bodiesOf(point);
    return `| \`${pointPath(point)}\` | ${request} | ${answer} |\n`;
  });
  return `| path | request | answer |\n| --- | --- | --- |\n${rows.join("")}`;
}

function bodiesOf(point: PointName): [request: string, answer: string] {
  const { rule, answer } = entryOf(point);
  const request = membersOf(point).map(({ name, about }) => member(name, about));
  switch (rule) {
    case "rewrites":
      return ["the raw body; `call` is JSON in the header `pouch-call`", "the raw body"];
    case "supervises":
      return ["`stateDirectory`", "`{}`"];
    case "routes":
      return ["`handlers`: `{ method, path }[]`, `inUse`: earlier calls' ids", "`operations`"];
    default:
      return [request.join(", "), answer === undefined ? "`{}`" : `\`${answer.name}\``];
  }
}

/** The table of points in docs/plugin-guide.md. */
export function guideTable(): string {
  const rows = pointNames.map((point) => {
    const entry = entryOf(point);
    return `| \`${point}\` | ${argumentsOf(entry)}${isAskedAfterChanges(point) ? " (`call` has `provenance`)" : ""} | ${entry.may ?? pointRules[entry.rule].may} |\n`;
  });
  return `| point | arguments, before the last one, \`call\` | may do |\n| --- | --- | --- |\n${rows.join("")}`;
}

function argumentsOf({ rule, args, answer }: PointEntry): string {
  if (rule === "supervises") return "– (`call` has `supervisor` and `stateDirectory`)";
  const isFrozen = ({ isHandle, schema }: Argument): boolean =>
    (rule === "asks" || rule === "tells") && isHandle !== true && "type" in schema && schema.type === "object";
  const kindOf = (arg: Argument): string | undefined => {
    if (rule === "changes" && arg.name === answer?.name) return "a draft";
    return isFrozen(arg) ? "frozen" : undefined;
  };
  return args.map((arg) => member(arg.name, arg.about, kindOf(arg))).join("; ");
}

function member(name: string, ...said: readonly (string | undefined)[]): string {
  const words = said.filter((word) => word !== undefined);
  return words.length === 0 ? `\`${name}\`` : `\`${name}\`: ${words.join(", ")}`;
}
