import type { Plugin } from "@pouchcontainer/api";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError, messageOf } from "./cli-error.ts";
import type { EngineClient } from "./client/engine-client.ts";
import type { CliContext } from "./context.ts";
import { inPath } from "./for-each-name.ts";
import { ProgressDisplay } from "./output/progress.ts";
import { leavingText, modeText } from "./plugin-state.ts";

/** Milliseconds between two looks at what a change waits for. */
const lookEveryMs = 1000;
/** Milliseconds for the last look, after Ctrl-C. */
const lastLookMs = 5000;

/**
 * Asks for a change of a plugin, and says meanwhile which calls it waits for. The daemon goes on with what it has begun when nobody waits
 * any more: Ctrl-C says how the plugin is then. (What it was still fetching is not begun.)
 */
export async function changePlugin(
  context: CliContext,
  name: string,
  ask: (engine: EngineClient, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const engine = await context.engine();
  const [interrupted, over] = [new AbortController(), new AbortController()];
  const undo = context.onInterrupt(() => interrupted.abort());
  const telling = tellWaits(context, engine, name, over.signal);
  try {
    await ask(engine, interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    undo();
    context.err.write(`interrupted; if the change has begun, the daemon goes on with it: ${await stateText(engine, name)}\n`);
    throw new CliError("", { exitCode: 130 });
  } finally {
    undo();
    over.abort();
    await telling;
  }
}

/** Looks until it is over. A look that fails tells nothing: the change itself does, or the next one. */
async function tellWaits(context: CliContext, engine: EngineClient, name: string, over: AbortSignal): Promise<void> {
  const display = new ProgressDisplay(context.err);
  let told = "";
  while (!over.aborted) {
    try {
      await sleep(lookEveryMs, undefined, { signal: over });
      const text = leavingText(await look(engine, name, over));
      if (text !== told && text !== "") display.show({ id: name, status: `waiting for ${text}` });
      told = text;
    } catch {
      continue;
    }
  }
}

async function stateText(engine: EngineClient, name: string): Promise<string> {
  try {
    const plugin = await look(engine, name, AbortSignal.timeout(lastLookMs));
    const waits = leavingText(plugin);
    const state = `plugin ${name} is ${plugin.Enabled === true ? "enabled" : "disabled"} now, mode ${modeText(plugin)}`;
    return waits === "" ? state : `${state}; the daemon waits for ${waits}`;
  } catch (error) {
    return `how plugin ${name} is now cannot be told: ${messageOf(error)}`;
  }
}

async function look(engine: EngineClient, name: string, signal: AbortSignal): Promise<Partial<Plugin>> {
  return await (await engine.get(`/plugins/${inPath(name)}/json`, { signal })).json<Plugin>();
}
