import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import type { PluginManifest, PointName } from "@pouchcontainer/plugin-sdk";
import {
  describeIssue,
  entryOf,
  isObject,
  valuesOf,
  type Argument,
  type InvokeContext,
  type PluginInstance,
  type PointAnswer,
  type PointRequest,
} from "@pouchcontainer/plugin-sdk/host";
import { Compile } from "typebox/compile";
import type { Parsed } from "./cel-rules.ts";
import { policySchema, type PolicySection } from "./policy-schema.ts";
import type { PolicyShapes } from "./policy-rules.ts";
import { Policy } from "./policy.ts";

const section = Compile(policySchema);

/** Characters of a policy as JSON: its rules are parsed in one go. Lists belong into the plugin's configuration. */
const longestPolicy = 32 * 1024;

/** A plugin without code: rules that the daemon evaluates in its own process, within bounds. */
export class PolicyPlugin implements PluginInstance {
  readonly manifest: PluginManifest;
  readonly origin = "policy";
  readonly #params: Record<string, unknown>;
  readonly #policies: ReadonlyMap<PointName, Policy>;

  /** Compiles all rules for each of the points. Throws `invalidArgument` for the first that is wrong. */
  constructor(manifest: PluginManifest, policy: unknown, configuration: Record<string, unknown> = {}) {
    this.manifest = manifest;
    this.#params = configuration;
    try {
      if (!section.Check(policy)) throw invalidArgument(describeIssue(section.Errors(policy), policy, "policy"));
      const { length } = JSON.stringify(policy);
      if (length > longestPolicy)
        throw invalidArgument(
          `policy has ${length} characters; at most ${longestPolicy} are allowed: long lists belong into the configuration`,
        );
      this.#policies = policiesOf(manifest, policy);
    } catch (error) {
      const { kind, message } = EngineError.from(error);
      throw new EngineError(kind, `policy "${manifest.name}": ${message}`, { cause: error });
    }
  }

  invoke<P extends PointName>(point: P, request: PointRequest<P>, context: InvokeContext): PointAnswer<P> {
    const { rule, answer } = entryOf(point);
    const shown = shownAt(point);
    const others = Object.fromEntries(othersAt(point).map((one) => [one.name, valuesOf([one], request)[0]]));
    const { container = {} } = context;
    const body = plain(shown, valuesOf([shown], request)[0]);
    const asked = { body, request: { ...others, point, container }, params: this.#params };
    const result = this.#policies.get(point)?.apply(asked, { mutates: rule === "changes" }) ?? body;
    // At a point that changes a body the answer is the argument that was shown.
    return (answer === undefined ? {} : { [answer.name]: result }) as PointAnswer<P>;
  }

  async close(): Promise<void> {}
}

function policiesOf(manifest: PluginManifest, policy: PolicySection): ReadonlyMap<PointName, Policy> {
  // Keys of the manifest's points are points.
  const points = Object.keys(manifest.points) as PointName[];
  const odd = points.find((point) => !["changes", "asks"].includes(entryOf(point).rule));
  if (odd !== undefined)
    throw invalidArgument(`pouch.points: ${odd} has no body that rules could be about; points that change or ask have`);
  if ([policy.mutations, policy.validations].every((rules) => (rules ?? []).length === 0))
    throw invalidArgument("policy has neither mutations nor validations, so it would do nothing");
  if ((policy.mutations ?? []).length > 0 && !points.some((point) => entryOf(point).rule === "changes"))
    throw invalidArgument(
      `policy.mutations: nothing can be changed at ${points.join(", ")}; leave them out, or list a point that changes`,
    );
  const known = new Map<string, Parsed>();
  return new Map(points.map((point) => [point, atPoint(point, () => new Policy(policy, shapesAt(point, manifest), known))]));
}

function atPoint<T>(point: PointName, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    const { kind, message } = EngineError.from(error);
    throw new EngineError(kind, `${message} (at ${point})`, { cause: error });
  }
}

/** The argument that rules call `object`: what may be answered, or the last. */
function shownAt(point: PointName): Argument {
  const { args, answer } = entryOf(point);
  const shown = answer ?? args.at(-1);
  if (shown === undefined) throw invalidArgument(`${point} has no body`);
  return shown;
}

function othersAt(point: PointName): readonly Argument[] {
  const shown = shownAt(point);
  return entryOf(point).args.filter(({ name }) => name !== shown.name);
}

function shapesAt(point: PointName, { configuration }: PluginManifest): PolicyShapes {
  const text = { type: "string" };
  const others = othersAt(point).map(({ name, schema }) => [name, schema]);
  const container = { type: "object", properties: { id: text, name: text } };
  return {
    object: { ...shownAt(point).schema },
    request: { type: "object", properties: { ...Object.fromEntries(others), point: text, container } },
    params: configuration,
  };
}

/** What has functions is shown without them. */
function plain({ isHandle, schema }: Argument, value: unknown): unknown {
  if (isHandle !== true || !isObject(value) || !("properties" in schema) || !isObject(schema.properties)) return value;
  return Object.fromEntries(Object.keys(schema.properties).map((name) => [name, value[name]]));
}
