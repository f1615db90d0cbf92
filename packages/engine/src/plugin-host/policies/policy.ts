import { celMap, isCelMap, type CelInput, type CelMap } from "@bufbuild/cel";
import { internal, messageChain } from "@pouchcontainer/errors";
import { CelRules, type Parsed, type Rule } from "./cel-rules.ts";
import { celOf, jsonOf } from "./cel-values.ts";
import { Draft } from "./draft.ts";
import { compilePolicy, type PolicyRules, type PolicyShapes, type Validation } from "./policy-rules.ts";
import type { PolicySection } from "./policy-schema.ts";

/** Characters of a message that a rule makes. */
const longestMessage = 5120;

/** What a policy is asked about. */
export interface PolicyInput {
  body: unknown;
  request: object;
  params: object;
}

/** A policy's rules for bodies of one shape. */
export class Policy {
  readonly #rules: CelRules;
  readonly #compiled: PolicyRules;

  /** `known`: what was parsed already. Throws `invalidArgument` for the first rule that is wrong. */
  constructor(section: PolicySection, shapes: PolicyShapes, known = new Map<string, Parsed>()) {
    this.#rules = new CelRules(known);
    this.#compiled = compilePolicy(section, shapes, this.#rules);
  }

  /** The body as the mutations leave it. Throws what a validation refuses, or `internal` for a rule that fails. */
  apply({ body, request, params }: PolicyInput, options: { mutates: boolean }): unknown {
    const { meter } = this.#rules;
    const { conditions, validations } = this.#compiled;
    meter.start();
    const others = { request: celOf(request, meter) ?? null, params: celOf(params, meter) ?? null };
    const bindingsOf = (value: unknown): Bindings => this.#bindings({ object: celOf(value, meter) ?? null, ...others });
    let bindings = bindingsOf(body);
    if (!conditions.every((rule) => isTrue(rule, bindings))) return body;
    const draft = new Draft(body, meter);
    const mutations = options.mutates ? this.#compiled.mutations : [];
    for (const { rule, apply } of mutations) {
      const change = rule.evaluate(bindings);
      failingAt(rule, () => apply(draft, jsonOf(change, meter)));
      bindings = bindingsOf(draft.body);
    }
    for (const validation of validations) this.#validate(validation, bindings);
    return draft.body;
  }

  #validate({ rule, text, message, refuse }: Validation, bindings: Bindings): void {
    if (isTrue(rule, bindings)) return;
    throw refuse(message === undefined ? text : (messageOf(message, bindings) ?? text));
  }

  /** Variables are evaluated when a rule asks for them, each once. */
  #bindings(given: Bindings): Bindings {
    const { variables: rules } = this.#compiled;
    if (rules.size === 0) return given;
    const values = new Map<string, CelInput>();
    const lazy = {
      get: (name: string): CelInput | undefined => {
        const known = values.get(name);
        const rule = rules.get(name);
        if (known !== undefined || rule === undefined) return known;
        const value = rule.evaluate(bindings);
        values.set(name, value);
        return value;
      },
      keys: () => rules.keys(),
    };
    // Rules ask for members of `variables` by name and for nothing else: the check knows all of them.
    const variables: CelMap = celMap(lazy as unknown as ReadonlyMap<string, CelInput>);
    const bindings: Bindings = { ...given, variables };
    return bindings;
  }
}

type Bindings = Readonly<Record<string, CelInput>>;

function isTrue(rule: Rule, bindings: Bindings): boolean {
  const value = rule.evaluate(bindings);
  if (typeof value !== "boolean") throw internal(`${rule.place} failed: it has to be true or false, and is ${kindOf(value)}`);
  return value;
}

function kindOf(value: unknown): string {
  return value === null ? "null" : isCelMap(value) ? "a map" : typeof value === "object" ? "no scalar" : `a ${typeof value}`;
}

/** As in Kubernetes: where the expression fails or makes no line of text, the fixed message stands. */
function messageOf(rule: Rule, bindings: Bindings): string | undefined {
  try {
    const text = rule.evaluate(bindings);
    return typeof text === "string" && text.trim() !== "" && !text.includes("\n") ? text.slice(0, longestMessage) : undefined;
  } catch {
    return undefined;
  }
}

function failingAt<T>({ place }: Rule, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw internal(`${place} failed: ${messageChain(error)}`, { cause: error });
  }
}
