import { forbidden, invalidArgument, unauthenticated } from "@pouchcontainer/errors";
import type { Draft } from "./draft.ts";
import type { CelRules, Rule } from "./cel-rules.ts";
import type { Scope } from "./check-expression.ts";
import type { PolicySection } from "./policy-schema.ts";
import type { Shape } from "./shapes.ts";

export interface Mutation {
  rule: Rule;
  apply: (draft: Draft, change: unknown) => void;
}

export interface Validation {
  rule: Rule;
  text: string;
  message: Rule | undefined;
  refuse: typeof forbidden;
}

/** A policy's rules, ready to be called. */
export interface PolicyRules {
  conditions: readonly Rule[];
  variables: ReadonlyMap<string, Rule>;
  mutations: readonly Mutation[];
  validations: readonly Validation[];
}

/** What is known of what a policy is asked about. */
export interface PolicyShapes {
  object: Shape;
  request: Shape;
  params: Shape;
}

const reasons = { Unauthorized: unauthenticated, Forbidden: forbidden, Invalid: invalidArgument };

type Compile = (place: string, expression: string, type?: "bool" | "string") => Rule;

/** Throws `invalidArgument` for the first rule that is wrong. */
export function compilePolicy(section: PolicySection, shapes: PolicyShapes, rules: CelRules): PolicyRules {
  const given: Scope = new Map(Object.entries(shapes));
  const within =
    (scope: Scope): Compile =>
    (place, expression, type) =>
      rules.compile(`policy.${place}`, expression, scope, type);
  const conditions = (section.matchConditions ?? []).map(({ expression }, index) =>
    within(given)(`matchConditions[${index}].expression`, expression, "bool"),
  );
  const variables = new Map<string, Rule>();
  for (const [index, { name, expression }] of (section.variables ?? []).entries()) {
    if (variables.has(name)) throw invalidArgument(`policy.variables[${index}].name: there is a variable ${name} already`);
    variables.set(name, within(withVariables(given, variables))(`variables[${index}].expression`, expression));
  }
  const compile = within(withVariables(given, variables));
  return {
    conditions,
    variables,
    mutations: (section.mutations ?? []).map((mutation, index) => mutationOf(mutation, `mutations[${index}]`, compile)),
    validations: (section.validations ?? []).map((one, index) => validationOf(one, `validations[${index}]`, compile)),
  };
}

function withVariables(scope: Scope, variables: ReadonlyMap<string, Rule>): Scope {
  const properties = Object.fromEntries(Array.from(variables, ([name, { shape }]) => [name, shape ?? {}]));
  return new Map([...scope, ["variables", { type: "object", properties, additionalProperties: false }]]);
}

function mutationOf(mutation: NonNullable<PolicySection["mutations"]>[number], place: string, compile: Compile): Mutation {
  return mutation.patchType === "JSONPatch"
    ? {
        rule: compile(`${place}.jsonPatch.expression`, mutation.jsonPatch.expression),
        apply: (draft, change) => draft.patch(change),
      }
    : {
        rule: compile(`${place}.applyConfiguration.expression`, mutation.applyConfiguration.expression),
        apply: (draft, change) => draft.merge(change),
      };
}

function validationOf(
  { expression, message, messageExpression, reason = "Invalid" }: NonNullable<PolicySection["validations"]>[number],
  place: string,
  compile: Compile,
): Validation {
  return {
    rule: compile(`${place}.expression`, expression, "bool"),
    text: message ?? `failed expression: ${expression}`,
    message: messageExpression === undefined ? undefined : compile(`${place}.messageExpression`, messageExpression, "string"),
    refuse: reasons[reason],
  };
}
