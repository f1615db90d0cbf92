import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { AssistantProcess, Supervisor } from "../daemon-plugin.ts";
import { InProcessPlugin } from "../in-process-plugin.ts";
import { cloneJson } from "../json-copy.ts";
import type { PluginManifest } from "../manifest.ts";
import { checkConfiguration, parseManifest } from "../parse-manifest.ts";
import { pluginFailure } from "../plugin-failure.ts";
import type { PointAnswer, PointRequest } from "../plugin-instance.ts";
import type { PointName } from "../points.ts";
import { entryOf, valuesOf } from "../point-table.ts";
import { compileBodyChecks, type BodyChecks } from "../body-checks.ts";
import { describeIssue } from "../schema-issue.ts";

/** A plugin loaded for a test. */
export interface PluginUnderTest {
  readonly manifest: PluginManifest;
  /** What the plugin wrote to its log, oldest first. */
  readonly log: readonly string[];
  /** What its daemon points started; nothing is really started. */
  readonly assistants: readonly AssistantProcess[];
  /** A supervisor for the daemon points that records into `assistants`. */
  readonly supervisor: Supervisor;
  /**
   * Calls one point as the daemon does: the plugin gets a draft, its answer is checked against the API's schema. Rejects with the
   * daemon's message. `container` is what the call is about, `timeoutMs` its deadline (default: the manifest's).
   */
  call<P extends PointName>(point: P, request: PointRequest<P>, options?: CallOptions): Promise<PointAnswer<P>>;
}

/** Facts about one call. */
export interface CallOptions {
  container?: { id?: string; name?: string };
  timeoutMs?: number;
}

let loads = 0;

/**
 * Loads the plugin in `directory` (the folder of its package.json) as the daemon would: manifest, configuration, module. Every
 * call evaluates the module anew.
 */
export async function loadPlugin(
  directory: string | URL,
  options: { configuration?: Record<string, unknown>; environment?: Record<string, string> } = {},
): Promise<PluginUnderTest> {
  const folder = resolve(directory instanceof URL ? fileURLToPath(directory) : directory);
  const manifest = parseManifest(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
  const configuration = checkConfiguration(manifest, options.configuration);
  const module = pathToFileURL(join(folder, manifest.main));
  loads += 1;
  // Modules are evaluated once per URL; a test wants a plugin of its own.
  module.searchParams.set("load", String(loads));
  const instance = await InProcessPlugin.load({
    manifest,
    load: () => import(module.href),
    settings: { configuration, environment: options.environment ?? {} },
  });
  return new LoadedPlugin(instance);
}

class LoadedPlugin implements PluginUnderTest {
  readonly manifest: PluginManifest;
  readonly log: string[] = [];
  readonly assistants: AssistantProcess[] = [];
  readonly supervisor: Supervisor;
  readonly #instance: InProcessPlugin;
  readonly #checks: BodyChecks = compileBodyChecks();

  constructor(instance: InProcessPlugin) {
    this.manifest = instance.manifest;
    this.#instance = instance;
    this.supervisor = {
      start: async (process) => {
        this.assistants.push(process);
        return { name: process.name, pid: 4242, restarts: 0, stop: async () => undefined };
      },
    };
  }

  async call<P extends PointName>(point: P, request: PointRequest<P>, options: CallOptions = {}): Promise<PointAnswer<P>> {
    const timeoutMs = options.timeoutMs ?? this.manifest.points[point]?.timeoutMs ?? 10_000;
    const write = (message: string): void => void this.log.push(message);
    try {
      const answer = await withTimeout(timeoutMs, (signal) =>
        this.#instance.invoke(point, this.#draft(point, request), {
          signal,
          timeoutMs,
          log: { debug: write, info: write, warn: write, error: write },
          ...(options.container === undefined ? {} : { container: options.container }),
        }),
      );
      this.#check(point, answer);
      return answer;
    } catch (error) {
      throw pluginFailure(this.manifest.name, point, error);
    }
  }

  /** The draft the plugin works on: the test's own body stays as it is. */
  #draft<P extends PointName>(point: P, request: PointRequest<P>): PointRequest<P> {
    const { rule, answer } = entryOf(point);
    if (rule !== "changes" || answer === undefined) return request;
    return { ...request, [answer.name]: cloneJson(valuesOf([answer], request)[0]) };
  }

  #check(point: PointName, answered: object): void {
    const { answer } = entryOf(point);
    if (answer === undefined) return;
    const [value] = valuesOf([answer], answered);
    const issues = this.#checks[point](value);
    if (issues.length > 0) throw new Error(describeIssue(issues, value));
  }
}

async function withTimeout<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no answer within ${timeoutMs} ms`);
      controller.abort(error);
      reject(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
