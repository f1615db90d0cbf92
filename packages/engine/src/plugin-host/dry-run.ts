import { decodeBody, maskSecrets, secretsIn, withoutSecrets, type ContainerInspect } from "@pouchcontainer/api";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { jsonStream, pointNames, readJson, type PointName } from "@pouchcontainer/plugin-sdk";
import type { Argument, BodyCheck, BodyChecks, PointOf, PointRequest } from "@pouchcontainer/plugin-sdk/host";
import { describeIssue, entryOf, isObject } from "@pouchcontainer/plugin-sdk/host";
import type { PluginHost } from "./plugin-host.ts";
import { requestBodyOf } from "./request-bodies.ts";
import type { TraceEntry } from "./trace.ts";

/** What each plugin would do, and what would come out. */
export interface DryRunResult {
  calls: TraceEntry[];
  body?: unknown;
  error?: string;
}

/** Runs the chain of a point on a body. Plugins are really called; nothing comes of it but this answer. */
export async function dryRun(
  host: PluginHost,
  checks: BodyChecks,
  request: { point: string; body: unknown; showEnv?: boolean },
): Promise<DryRunResult> {
  const rehearsal = host.rehearsal();
  const reveal = request.showEnv === true;
  const chain = chainOf(rehearsal, checks, request.point, request.body);
  try {
    const body = await withShadows(rehearsal, chain);
    return { calls: rehearsal.trace.last({ reveal }), body: reveal ? body : withoutSecrets(body) };
  } catch (error) {
    const { message, details } = EngineError.from(error);
    // A plugin's failure was masked where it came from.
    const secrets = reveal || "plugin" in details ? [] : secretsIn(request.body);
    return { calls: rehearsal.trace.last({ reveal }), error: maskSecrets(message, secrets) };
  }
}

/** What comes of a chain, when all that it called is over. */
async function withShadows<T>(host: PluginHost, chain: () => Promise<T>): Promise<T> {
  try {
    return await chain();
  } finally {
    await host.shadowsOver();
  }
}

/** What is there besides the body in a dry run. */
function madeUp(context: ContainerContext): Record<string, unknown> {
  return { id: "dry-run", env: context.env, criRequest: {} };
}

/** The body as the request that leads to the point would have it, through the chain, and to the checks that follow. */
function chainOf(host: PluginHost, checks: BodyChecks, asked: string, body: unknown): () => Promise<unknown> {
  const point = pointOfChain(asked);
  const entry = point && entryOf(point);
  const context = containerOf(body);
  const others = madeUp(context);
  const [shown = entry?.answer, ...more] = entry?.args.filter(({ name }) => !(name in others)) ?? [];
  // What is changed has to be what is given, and all of it.
  const isAnotherChanged = entry?.rule === "changes" && entry.answer?.name !== shown?.name;
  if (point === undefined || shown === undefined || shown.isHandle || more.length > 0 || isAnotherChanged)
    throw cannotBeTried(asked);
  // No schema says what it is where it is no draft.
  if (entry?.rule !== "changes" && !isObject(body)) throw invalidArgument("body must be a JSON object");
  const request = (value: unknown): PointRequest<PointName> => {
    const given = entry?.args.map(({ name }) => [name, name === shown.name ? value : others[name]]) ?? [];
    // The point's entry says what members its request has.
    return Object.fromEntries(given) as PointRequest<PointName>;
  };
  // A point has the rule that its entry names.
  switch (entry?.rule) {
    case "changes": {
      const draft = draftOf(shown, checks[point], body);
      const known = "id" in request(draft) ? { containerId: "dry-run", ...context } : context;
      const changes = point as PointOf<"changes">;
      return async () => host.verified(changes, await host.change(changes, request(draft) as never, known), known);
    }
    case "asks":
      return async () => {
        await host.ask(point as PointOf<"asks">, () => request(body) as never, context);
        return body;
      };
    case "collects":
      // A view for plugins to read; no schema says which of its members a caller has to make up.
      return () => host.preStart(body as ContainerInspect, context);
    case "rewrites":
      return async () => {
        const changed: unknown = await readJson(await host.preUpdate(jsonStream(body), context));
        host.decodeUpdate(changed);
        return changed;
      };
    default:
      throw cannotBeTried(asked);
  }
}

/** Those that are asked about a body in the end are asked about what the others made of it. */
function pointOfChain(asked: string): PointName | undefined {
  const isAsked = (name: string | undefined): boolean => name === asked;
  return pointNames.find((point) => isAsked(entryOf(point).thenAsks)) ?? pointNames.find(isAsked);
}

function cannotBeTried(point: string): EngineError {
  return invalidArgument(`${point} cannot be tried: it has no body, or it acts on more than its body`);
}

function draftOf(shown: Argument, check: BodyCheck, body: unknown): unknown {
  const requested = requestBodyOf(shown);
  return requested === undefined ? checked(check, bodyOf(shown, body)) : decodeBody(requested, body);
}

/** The body itself, without what stands beside it for filters. */
function bodyOf({ schema }: Argument, body: unknown): unknown {
  if (!isObject(body) || !("properties" in schema) || !isObject(schema.properties)) return body;
  const { properties } = schema;
  const isBeside = (name: string): boolean => ["Config", "Labels", "Image", "Env"].includes(name) && !(name in properties);
  return Object.fromEntries(Object.entries(body).filter(([name]) => !isBeside(name)));
}

interface ContainerContext {
  labels: Record<string, string>;
  image?: string;
  env: string[];
}

/** What filters look at: of a container as inspect shows it, or given beside the body. What is not there is as with a create. */
function containerOf(body: unknown): ContainerContext {
  const { Config } = isObject(body) ? body : {};
  const { Labels, Image, Env } = isObject(Config) ? Config : isObject(body) ? body : {};
  const isText = (value: unknown): value is string => typeof value === "string";
  return {
    labels: Object.fromEntries(Object.entries(isObject(Labels) ? Labels : {}).map(([name, value]) => [name, String(value)])),
    ...(isText(Image) ? { image: Image } : {}),
    env: Array.isArray(Env) ? Env.filter(isText) : [],
  };
}

function checked(check: BodyCheck, body: unknown): unknown {
  const issues = check(body);
  if (issues.length > 0) throw invalidArgument(`the body is not valid at this point: ${describeIssue(issues, body)}`);
  return body;
}
