import { routePathProblem, type Handler, type HandlerSpec, type PathParams } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { isUtf8 } from "node:buffer";
import findMyWay, { type HTTPMethod } from "find-my-way";

/** What a request leads to. */
interface Match {
  handler: Handler;
  params: PathParams;
}

/** Finds the handler of a request; the path has no version prefix and may have a query. */
export type Router = (method: string, path: string) => Match | undefined;

interface Tail {
  suffix: string;
  name: string;
  handler: Handler;
}

type Target = { handler: Handler } | { tails: Tail[] };

const methods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]);

/**
 * Compiles a route table. Throws `invalidArgument` for a spec that is none and for two with one method and path.
 *
 * `{name...}` matches across slashes and may have literal text after it (`/images/{name...}/json`); find-my-way's wildcard
 * stands only at the end, so routes that share what comes before are kept together there and told apart by their end, the
 * longest first.
 */
export function compileRouter(table: readonly HandlerSpec[]): Router {
  const router = findMyWay({ ignoreDuplicateSlashes: true, maxParamLength: 4096, querystringParser: () => ({}) });
  const wildcards = new Map<string, Tail[]>();
  for (const spec of checked(table)) {
    const [, head, name, suffix = ""] = /^(.*)\{(\w+)\.\.\.\}(.*)$/.exec(spec.path) ?? [];
    if (head === undefined || name === undefined) {
      register(router, spec.method, pattern(spec.path), { handler: spec.handler });
      const twoPart = withTwoPartName(spec.path);
      if (twoPart !== undefined) register(router, spec.method, pattern(twoPart), { handler: spec.handler });
      continue;
    }
    const key = `${spec.method} ${head}`;
    let tails = wildcards.get(key);
    if (!tails) {
      tails = [];
      wildcards.set(key, tails);
      register(router, spec.method, `${pattern(head)}*`, { tails });
    }
    tails.push({ suffix, name, handler: spec.handler });
  }
  for (const tails of wildcards.values()) tails.sort((a, b) => b.suffix.length - a.suffix.length);
  return (method, path) => find(router, method, path);
}

type Compiled = ReturnType<typeof findMyWay>;

function register(router: Compiled, method: string, path: string, target: Target): void {
  // `checked` has compared the method with the list above, all of which find-my-way knows.
  router.on(method as HTTPMethod, path, () => undefined, target);
}

function find(router: Compiled, method: string, path: string): Match | undefined {
  if (!methods.has(method)) return undefined;
  const found = router.find(method as HTTPMethod, asText(path));
  if (!found) return undefined;
  // `store` is what `register` gave, `params` holds decoded strings.
  const target = found.store as Target;
  const params = found.params as Record<string, string>;
  if ("handler" in target) return { handler: target.handler, params: joined(params) };
  const rest = params["*"] ?? "";
  const tail = target.tails.find(({ suffix }) => rest.length > suffix.length && rest.endsWith(suffix));
  if (!tail) return undefined;
  const { "*": _, ...others } = params;
  return { handler: tail.handler, params: { ...others, [tail.name]: rest.slice(0, rest.length - tail.suffix.length) } };
}

/** Names are text: escaped bytes that are none become the sign for what is unknown, as in dockerd's answers. */
function asText(path: string): string {
  if (!path.includes("%")) return path;
  return path.replaceAll(/(?:%[\da-f]{2})+/gi, (run) => {
    const bytes = Buffer.from(run.replaceAll("%", ""), "hex");
    return isUtf8(bytes) ? run : encodeURIComponent(bytes.toString());
  });
}

/** The rest of a name with one slash: `owner/alias` names a linked container, and networks may be called anything. */
const secondPart = "secondPartOfName";

function withTwoPartName(path: string): string | undefined {
  const [, head, rest] = /^(\/(?:containers|networks)\/\{id\})(\/.*)?$/.exec(path) ?? [];
  return head === undefined ? undefined : `${head}/{${secondPart}}${rest ?? ""}`;
}

function joined({ [secondPart]: rest, ...params }: Record<string, string>): PathParams {
  return rest === undefined ? params : { ...params, id: `${params["id"]}/${rest}` };
}

function checked(table: readonly HandlerSpec[]): readonly HandlerSpec[] {
  const seen = new Set<string>();
  for (const spec of table) {
    const problem = problemOf(spec);
    if (problem !== undefined) throw invalidArgument(`route ${spec.method} ${spec.path}: ${problem}`);
    // Names of parameters do not tell two routes apart.
    const key = `${spec.method} ${spec.path.replaceAll(/\{\w+\}/g, "{}").replaceAll(/\{\w+\.\.\.\}/g, "{...}")}`;
    if (seen.has(key)) throw invalidArgument(`route ${spec.method} ${spec.path}: two handlers claim it`);
    seen.add(key);
  }
  return table;
}

function problemOf({ method, path, handler }: HandlerSpec): string | undefined {
  if (!methods.has(method)) return `the method must be one of ${[...methods].join(", ")}`;
  const problem = routePathProblem(path);
  if (problem !== undefined) return `the path ${problem}`;
  if (typeof handler !== "function") return "the handler must be a function";
  return undefined;
}

/** A path in find-my-way's spelling. */
function pattern(path: string): string {
  return path.replaceAll(":", "::").replaceAll(/\{(\w+)\}/g, ":$1");
}
