import { pluginApiVersion, type PointName } from "@pouchcontainer/plugin-sdk";
import {
  describeIssue,
  entryOf,
  isObject,
  type Argument,
  type BodyCheck,
  type BodyChecks,
} from "@pouchcontainer/plugin-sdk/host";
import { pointNames } from "@pouchcontainer/plugin-sdk";
import { entryFormat, type JournalEntry } from "../journal/journal-entry.ts";
import { isReplayable } from "../journal/journaled-call.ts";

/** Why a recorded call cannot be made by this daemon; undefined where it can. */
export function whyUnfit(entry: JournalEntry, checks: BodyChecks): string | undefined {
  if (entry.format !== entryFormat) return `written in form ${entry.format} of the journal, and this daemon reads ${entryFormat}`;
  if (majorOf(entry.api) !== majorOf(pluginApiVersion))
    return `made by plugin API ${entry.api}, and this daemon has ${pluginApiVersion}`;
  if (!pointNames.includes(entry.point) || !isReplayable(entry.point)) return `this daemon has no point ${entry.point} to replay`;
  const { rule, args } = entryOf(entry.point);
  for (const argument of args) {
    const value = isObject(entry.given) ? entry.given[argument.name] : undefined;
    if (value === undefined && argument.name !== "criRequest")
      return rule === "rewrites" ? "its body was not JSON" : schemaChanged(entry.point, `${argument.name} is missing`);
    // What is written over the body it was, as its own check says.
    const issues = checkOf(argument, checks)?.(value) ?? [];
    if (issues.length > 0) return schemaChanged(entry.point, describeIssue(issues, value, argument.name));
  }
  return undefined;
}

function schemaChanged(point: PointName, problem: string): string {
  return `its schema has changed: what is recorded is not valid at ${point} any more, ${problem}`;
}

const majorOf = (version: string): string | undefined => version.split(".")[0];

/** The check of a body that some point's plugins may answer; of what none may, there is none. */
function checkOf({ schema }: Argument, checks: BodyChecks): BodyCheck | undefined {
  const point = pointNames.find((name) => entryOf(name).rule !== "routes" && entryOf(name).answer?.schema === schema);
  return point === undefined ? undefined : checks[point];
}
