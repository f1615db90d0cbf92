import type { EngineClient } from "../client/engine-client.ts";
import { CliError, isDaemonStatus, messageOf } from "../cli-error.ts";
import type { CliContext } from "../context.ts";
import { indentJson } from "../output/indent-json.ts";
import { compile } from "../output/listing.ts";
import { writeData } from "../output/output.ts";
import type { Template } from "../template/template.ts";

/** Prints objects as JSON, or each through a template; reports names that are not there and goes on. */
export async function printObjects(
  context: CliContext,
  names: readonly string[],
  format: string | undefined,
  find: (engine: EngineClient, name: string) => Promise<string>,
): Promise<number> {
  const engine = await context.engine();
  const template = format === undefined || format === "" || format === "json" ? undefined : compile(format);
  const found: string[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      found.push(await find(engine, name));
    } catch (error) {
      if (!isDaemonStatus(error, 400, 404) && !(error instanceof NoSuchObject)) throw error;
      failures.push(messageOf(error));
    }
  }
  writeData(
    context.out,
    template === undefined ? objectsText(found, format) : found.map((json) => `${renderObject(template, json)}\n`).join(""),
  );
  for (const failure of failures) context.err.write(`${failure}\n`);
  return failures.length > 0 ? 1 : 0;
}

/** No type of object has one of this name. */
export class NoSuchObject extends CliError {}

function objectsText(found: readonly string[], format: string | undefined): string {
  if (format === "json") return found.map((json) => `${json.trim()}\n`).join("");
  return `${indentJson(`[${found.join(",")}]`)}\n`;
}

function renderObject(template: Template, json: string): string {
  try {
    return template.render(JSON.parse(json));
  } catch (error) {
    throw new CliError(`template parsing error: template: :1: ${messageOf(error)}`);
  }
}
